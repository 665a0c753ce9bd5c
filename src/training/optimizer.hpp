#pragma once
// The optimizers that runs are recorded with: AdamW, Adam with coupled L2 and SGD, as torch.optim
// defines them, to the bit on the same machine (method.md §2).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runs/run_description.hpp"

namespace explaind {

/// Parameters (by position) with hyper-parameters of their own. A schedule changes
/// hyperparameters.learning_rate before each step.
struct ParameterGroup {
  std::vector<size_t> parameters;
  Hyperparameters hyperparameters;
};

/// Two groups: `decayed` parameters with the weight decay given, the others without. An empty group
/// is left out.
std::vector<ParameterGroup> decay_groups(const std::vector<bool>& decayed,
                                         const Hyperparameters& hyperparameters);

/// What an optimizer knows of one parameter, for a run that goes on later.
struct OptimizerState {
  at::Tensor first_moment;  ///< exp_avg of Adam; momentum buffer of SGD; undefined before the first
  at::Tensor second_moment;  ///< exp_avg_sq; undefined with SGD
  int64_t updates = 0;       ///< k_s: a parameter without a gradient is not updated
};

class Optimizer {
 public:
  /// Every parameter must be in exactly one group; throws std::invalid_argument otherwise.
  Optimizer(std::vector<at::Tensor> parameters, std::vector<ParameterGroup> groups);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update from the gradients that are there, which are then cleared. A parameter without one
  /// is neither stepped nor decayed, and its update count does not advance.
  void step();

  [[nodiscard]] std::vector<ParameterGroup>& groups() { return groups_; }
  [[nodiscard]] const std::vector<ParameterGroup>& groups() const { return groups_; }
  [[nodiscard]] std::vector<OptimizerState>& states() { return states_; }

 protected:
  /// Updates `parameter` in place, state.updates being this update's number (1 …).
  virtual void update(at::Tensor& parameter, const at::Tensor& gradient, OptimizerState& state,
                      const Hyperparameters& hyperparameters) const = 0;

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<ParameterGroup> groups_;
  std::vector<OptimizerState> states_;
};

std::unique_ptr<Optimizer> make_optimizer(OptimizerKind kind, std::vector<at::Tensor> parameters,
                                          std::vector<ParameterGroup> groups);

/// ‖g‖ over all gradients, and the factor γ that they were multiplied by.
struct Clipping {
  double norm = 0, factor = 1;
};

/// Scales all gradients by γ = min(1, max_norm / (‖g‖ + 1e-6)), rounded to their type, as
/// torch.nn.utils.clip_grad_norm_ does; max_norm 0: γ = 1. The norm is summed in double over the
/// tensors' norms, so γ may differ from torch's by rounding.
Clipping clip_gradients(const std::vector<at::Tensor>& parameters, double max_norm);

}  // namespace explaind
