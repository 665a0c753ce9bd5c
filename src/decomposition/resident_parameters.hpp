#pragma once
// All parameters in memory.

#include "decomposition/parameter_source.hpp"

namespace explaind {

/// Both arrays of the model's size, W(t) and Δ, in memory; endpoints stay in their mapped files.
/// Opening costs nothing.
class ResidentParameters final : public ParameterSource {
 public:
  /// type: at::kFloat or at::kDouble. Allocates both arrays once; the trajectory must outlive this.
  ResidentParameters(const Network& network, const Trajectory& trajectory, at::ScalarType type);

  void load(int64_t segment) override;
  void open(const std::vector<ParameterRows>& parts,
            const std::vector<ParameterRows>& next) override;
  void set_node(double t) override;
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return open_weights_[static_cast<size_t>(parameter)];
  }
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override {
    return open_deltas_[static_cast<size_t>(parameter)];
  }
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override;
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override;
  [[nodiscard]] at::ScalarType type() const override { return type_; }

 private:
  const Trajectory& trajectory_;
  at::ScalarType type_;
  int64_t segment_ = -1;
  double node_ = -1;  ///< of weights_; −1: none
  std::vector<at::Tensor> weights_, deltas_;
  std::vector<at::Tensor> open_weights_, open_deltas_;  ///< views of them
};

}  // namespace explaind
