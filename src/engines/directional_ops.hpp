#pragma once
// Engine A in directions that are given: per-sample gradients against tensors in memory.
//
// Legend: B samples, T positions, F directions, C components.

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/ops.hpp"
#include "scores/component.hpp"

namespace explaind {

/// A tensor of each parameter's shape, in the weights' type; undefined: zero.
using Direction = std::vector<at::Tensor>;

/// Operations whose backward pass adds ⟨∂F_b/∂W, A⟩ for every sample b, component and direction A
/// (method.md §5, engine A with ΔW := A). Weights require no gradient and no weight gradient is
/// formed: two products for the pass, and one for every direction. Samples must not interact.
class DirectionalOps final : public Ops {
 public:
  /// One weight per parameter. scores: F B C (double), added to in the backward pass; all
  /// references must outlive the graph.
  DirectionalOps(const std::vector<at::Tensor>& weights, const std::vector<Direction>& directions,
                 const ComponentTable& table, at::Tensor& scores)
      : weights_(weights), directions_(directions), table_(table), scores_(scores) {}

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override;
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override;
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override;
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override;
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override;
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override;

 private:
  [[nodiscard]] const at::Tensor& weight_of(ParameterId id) const {
    return weights_[static_cast<size_t>(id)];
  }
  /// Calls contract(f, A_f of the parameter) for every direction that has one.
  template <typename Contract>
  void each_direction(ParameterId parameter, const Contract& contract) const {
    for (size_t f = 0; f < directions_.size(); ++f) {
      const at::Tensor& direction = directions_[f][static_cast<size_t>(parameter)];
      if (direction.defined()) contract(f, direction);
    }
  }
  /// Adds ⟨delta, z⟩: B T N each, z also N.
  void add(size_t direction, ParameterId parameter, const at::Tensor& delta, const at::Tensor& z);
  /// Adds what each row of the parameter contributed: B rows (double).
  void add_rows(size_t direction, ParameterId parameter, const at::Tensor& rows);
  /// The scores of one direction and the parameter's components: B n, a view.
  [[nodiscard]] at::Tensor scores_of(size_t direction, ParameterId parameter) const;
  void contract_embedding(ParameterId weight, const at::Tensor& ids, const at::Tensor& gradient);

  const std::vector<at::Tensor>& weights_;
  const std::vector<Direction>& directions_;
  const ComponentTable& table_;
  at::Tensor& scores_;
};

}  // namespace explaind
