#pragma once
// AdamW with decoupled weight decay, and gradient clipping, as torch.optim and torch.nn.utils
// define them (method.md §2).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace explaind {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double weight_decay = 0.1;  ///< on the parameters of the decay mask only
};

/// Scales all gradients by min(1, max_norm / (‖g‖ + 1e-6)), ‖g‖ over all of them; returns ‖g‖
/// before. max_norm 0: no clipping.
double clip_gradients(const std::vector<at::Tensor>& parameters, double max_norm);

class AdamW {
 public:
  /// decay: one flag per parameter (norm gains and biases are usually left out).
  AdamW(std::vector<at::Tensor> parameters, std::vector<bool> decay, const AdamWOptions& options);

  /// θ ← θ − αλθ − α/(√v̂ + ε) m̂ from the gradients that are there, which are then cleared. A
  /// parameter without one is neither stepped nor decayed, and its own step count does not advance.
  void step(double learning_rate);

 private:
  struct State {
    at::Tensor first_moment, second_moment;
    int64_t steps = 0;
  };
  std::vector<at::Tensor> parameters_;
  std::vector<bool> decay_;
  AdamWOptions options_;
  std::vector<State> states_;
};

}  // namespace explaind
