#pragma once
// All parameters in memory.

#include <optional>

#include "parameters/parameter_source.hpp"
#include "parameters/uploaded_endpoints.hpp"
#include "path/movement.hpp"

namespace explaind {

/// W(t) and Δ of every parameter that is used whole, in memory: two arrays of the model's size, and
/// one for each direction.
/// Opening costs nothing. On the host the endpoints stay in their mapped files, on a device they
/// are there as well, as they are stored. Rows that are looked up come from the mapped files.
class ResidentParameters final : public ParameterSource {
 public:
  /// Allocates both arrays once; trajectory must outlive this.
  ResidentParameters(const Network& network, const Trajectory& trajectory,
                     const Precision& precision, const Device& device = Device::cpu());
  /// For any model; all parameters that it uses count as used whole.
  ResidentParameters(const Model& model, const Trajectory& trajectory, const Precision& precision,
                     const Device& device = Device::cpu());

  /// On a device the weights are not looked at for being finite.
  void load(int64_t segment) override;
  [[nodiscard]] int64_t segment() const override { return segment_; }
  [[nodiscard]] bool moves(ParameterId parameter) override { return movement_.of(parameter); }
  [[nodiscard]] bool moves() override { return movement_.at_all(); }
  void open(const std::vector<ParameterRows>& parts,
            const std::vector<ParameterRows>& next) override;
  void set_node(double t) override;
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return open_weights_[static_cast<size_t>(parameter)];
  }
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override {
    return open_deltas_[static_cast<size_t>(parameter)];
  }
  [[nodiscard]] const at::Tensor& direction(int64_t index, ParameterId parameter) override {
    return open_directions_[static_cast<size_t>(index)][static_cast<size_t>(parameter)];
  }
  [[nodiscard]] at::Tensor direction_rows(int64_t index, ParameterId parameter,
                                          const at::Tensor& ids) override;
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override;
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override;
  [[nodiscard]] const Precision& precision() const override { return precision_; }
  [[nodiscard]] const Device& device() const override { return device_; }

 private:
  ResidentParameters(const Model& model, std::vector<ParameterId> used,
                     const Trajectory& trajectory, const Precision& precision,
                     const Device& device);
  [[nodiscard]] Endpoints endpoints(ParameterId parameter) const;

  const Trajectory& trajectory_;
  Precision precision_;
  Device device_;
  std::vector<ParameterId> used_;          ///< whole
  std::optional<DeviceEndpoints> stored_;  ///< on a device
  int64_t segment_ = -1;
  Movement movement_;
  double node_ = -1;                                    ///< of weights_; −1: none
  std::vector<at::Tensor> weights_, deltas_;            ///< per parameter; undefined where not used
  std::vector<at::Tensor> open_weights_, open_deltas_;  ///< views of them
  std::vector<std::vector<at::Tensor>> directions_, open_directions_;  ///< direction, parameter
};

}  // namespace explaind
