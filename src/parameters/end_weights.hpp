#pragma once
// Weights at the ends of a segment and no updates: what forward passes at checkpoints need.

#include <cstdint>
#include <map>
#include <memory>

#include "parameters/endpoint_reader.hpp"
#include "parameters/parameter_source.hpp"

namespace explaind {

/// θ at t = 0 or 1 of what is open, one array of that size, in a precision of its own. There is no
/// Δ to ask for. Rows that are looked up come from the mapped files.
class EndWeights final : public ParameterSource {
 public:
  /// model and trajectory must outlive this. reader: may be one that another source reads as well,
  /// as long as the two take turns.
  EndWeights(const Model& model, const Trajectory& trajectory, const Precision& precision,
             std::shared_ptr<EndpointReader> reader, const Device& device = Device::cpu())
      : model_(model),
        trajectory_(trajectory),
        precision_(precision),
        device_(device),
        reader_(std::move(reader)) {}

  void load(int64_t segment) override;
  [[nodiscard]] int64_t segment() const override { return segment_; }
  /// Collective where the reader is.
  void open(const std::vector<ParameterRows>& parts,
            const std::vector<ParameterRows>& next) override;
  /// t: 0 or 1; throws std::logic_error for any other.
  void set_node(double t) override;
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return open_.at(parameter).weight;
  }
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override;

  /// These throw std::logic_error.
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override;
  [[nodiscard]] const at::Tensor& direction(int64_t index, ParameterId parameter) override;
  [[nodiscard]] at::Tensor direction_rows(int64_t index, ParameterId parameter,
                                          const at::Tensor& ids) override;
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override;

  [[nodiscard]] const Precision& precision() const override { return precision_; }
  [[nodiscard]] const Device& device() const override { return device_; }

 private:
  struct Part {
    Endpoints ends;
    at::Tensor weight;  ///< a view of the arena
  };

  const Model& model_;
  const Trajectory& trajectory_;
  Precision precision_;
  Device device_;
  std::shared_ptr<EndpointReader> reader_;
  int64_t segment_ = -1;
  double node_ = 0;
  bool formed_ = false;  ///< what is open is at node_
  at::Tensor arena_;     ///< as bytes
  std::map<ParameterId, Part> open_;
};

}  // namespace explaind
