#pragma once
// Parameters of one block at a time.

#include <cstdint>
#include <map>
#include <memory>

#include "parameters/endpoint_reader.hpp"
#include "parameters/parameter_source.hpp"
#include "path/movement.hpp"

namespace explaind {

/// W(t) and Δ of what is open and no more: two arrays of the largest block's size, kept for the
/// next one. Where the stored values come from is the reader's affair; rows that are looked up come
/// from the mapped files.
class BlockParameters final : public ParameterSource {
 public:
  /// network and trajectory must outlive this; on a device the reader's views are of its memory.
  BlockParameters(const Network& network, const Trajectory& trajectory, const Precision& precision,
                  std::shared_ptr<EndpointReader> reader, const Device& device = Device::cpu())
      : network_(network),
        trajectory_(trajectory),
        precision_(precision),
        device_(device),
        reader_(std::move(reader)),
        movement_(trajectory, network.parameters().size()) {}

  /// Reads nothing: weights are not looked at for being finite.
  void load(int64_t segment) override;
  [[nodiscard]] int64_t segment() const override { return segment_; }
  [[nodiscard]] bool moves(ParameterId parameter) override { return movement_.of(parameter); }
  [[nodiscard]] bool moves() override { return movement_.at_all(); }
  /// Collective where the reader is.
  void open(const std::vector<ParameterRows>& parts,
            const std::vector<ParameterRows>& next) override;
  void set_node(double t) override;
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return open_.at(parameter).weight;
  }
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override {
    return open_.at(parameter).delta;
  }
  /// Formed when it is first asked for: forward passes do without.
  [[nodiscard]] const at::Tensor& direction(int64_t index, ParameterId parameter) override;
  [[nodiscard]] at::Tensor direction_rows(int64_t index, ParameterId parameter,
                                          const at::Tensor& ids) override;
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override;
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override;
  [[nodiscard]] const Precision& precision() const override { return precision_; }
  [[nodiscard]] const Device& device() const override { return device_; }

  /// Stored bytes of the endpoints that open() has gone through.
  [[nodiscard]] int64_t bytes_opened() const override { return bytes_opened_; }

 private:
  struct Part {
    Endpoints ends;
    at::Tensor weight, delta;            ///< views of the arenas
    std::vector<at::Tensor> directions;  ///< tensors of their own; undefined until asked for
  };
  /// Bytes of a part in an arena, each of which begins on a boundary of 64 (its products' bits
  /// depend on that).
  [[nodiscard]] int64_t room(const ParameterRows& part) const;
  void reserve(const std::vector<ParameterRows>& parts);
  [[nodiscard]] at::Tensor rows(ParameterId parameter, const at::Tensor& ids, bool update);

  const Network& network_;
  const Trajectory& trajectory_;
  Precision precision_;
  Device device_;
  std::shared_ptr<EndpointReader> reader_;
  int64_t segment_ = -1, bytes_opened_ = 0;
  Movement movement_;
  double node_ = 0;
  bool formed_ = false;          ///< what is open is at node_
  at::Tensor weights_, deltas_;  ///< the arenas, as bytes
  std::map<ParameterId, Part> open_;
};

}  // namespace explaind
