#pragma once
// The optimizer of a recorded run, replayed: what each update was made of (method.md §2).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "runs/recorded_run.hpp"

namespace explaind {

/// What an update of one parameter does with gradients, the same for every optimizer. With x_s the
/// clipped mean gradient γ_s g_s (and beside it, where decay is coupled, λ_s θ_s),
///
///   buffer_s = carried · buffer_{s−1} + entering · x_s
///   Δ_s ∋ −scale ⊙ (direct · x_s + through · buffer_s)
///
/// so x_r enters Δ_s, s ≥ r, with −scale_s · ([r=s] direct_s + through_s · entering_r ·
/// Π_{u=r+1..s} carried_u).
///
/// What was in the buffer when a range began (OptimizerReplay::begin_range), past, enters Δ_s with
/// −scale_s ⊙ remembered_s · past.
///
/// | optimizer     | carried | entering | direct | through | scale                   |
/// | Adam, AdamW   | β1      | 1 − β1   | 0      | 1       | α/(√v̂ + ε) / (1 − β1^k) |
/// | SGD, μ = 0    | 1       | 0        | 1      | 0       | α                       |
/// | SGD           | μ       | κ        | 0      | 1       | α                       |
/// | SGD, Nesterov | μ       | κ        | 1      | μ       | α                       |
/// | not stepped   | 1       | 0        | 0      | 0       | 0                       |
///
/// k is the parameter's own count of updates, κ = 1 where the buffer is created, else 1 −
/// dampening; carried is then of no matter, since there was no buffer.
struct UpdateRule {
  double carried = 1, entering = 0, direct = 0, through = 0;
  double remembered = 0;  ///< through · Π carried since the range began
  at::Tensor scale;       ///< fp64: the parameter's shape (Adam), or a scalar (SGD, not stepped)

  double clip = 1;             ///< γ_s
  double weight_decay = 0;     ///< λ_s
  double decoupled_decay = 0;  ///< α_s λ_s of AdamW: Δ_s ∋ −decoupled_decay · θ_s; else 0
  bool coupled_decay = false;  ///< λ_s θ_s enters beside the gradient
  bool stepped = false;
  int64_t updates = 0;  ///< k_s
};

/// Δ_s of one parameter in its parts, which add up to it: fp64, of its shape, in its unit.
struct SplitUpdate {
  at::Tensor data;      ///< of all training samples together, now and through momentum
  at::Tensor decay;     ///< of weight decay, coupled decay of earlier steps through momentum too
  at::Tensor momentum;  ///< of gradients and coupled decay from before the range; 0 without one
  at::Tensor
      rounding;  ///< Δ_s − data − decay − momentum: what the training's own arithmetic rounded
};

/// In place of a step's gradients where only rules, or decay, are wanted of a replay: zeros without
/// a shape, of the parameters that the step stepped. (Adam's rules need its second moments stored.)
std::vector<at::Tensor> no_gradients(const RecordedRun& run, int64_t step);

/// Steps through the run in order, in fp64. Tensors are never changed in place, so a copy is a
/// snapshot that a later replay can start from.
class OptimizerReplay {
 public:
  /// Before step 0. run: must outlive this.
  explicit OptimizerReplay(const RecordedRun& run);

  /// The step that advance() takes next: 0 … steps.
  [[nodiscard]] int64_t next_step() const { return step_ + 1; }
  /// Takes the next step. gradients: the mean gradients of its batch before clipping, one per
  /// parameter, undefined where it was not stepped (RunGradients::of_step). The second moment is
  /// read where the run stores it. Throws std::invalid_argument where a gradient is missing.
  void advance(const std::vector<at::Tensor>& gradients);

  /// A range of steps begins with the next one: what momentum there is becomes the past, and data
  /// and decay are those of the range alone. Once at most.
  void begin_range();

  /// The rule of the step taken last.
  [[nodiscard]] const UpdateRule& rule(size_t parameter) const { return states_[parameter].rule; }
  [[nodiscard]] SplitUpdate parts(size_t parameter) const;
  /// Momentum after the step, of gradients alone and of coupled decay alone; undefined before the
  /// first.
  [[nodiscard]] const at::Tensor& gradient_buffer(size_t parameter) const {
    return states_[parameter].gradient_buffer;
  }
  [[nodiscard]] const at::Tensor& decay_buffer(size_t parameter) const {
    return states_[parameter].decay_buffer;
  }
  /// Gradients and coupled decay that the range found in the buffer, fp64; undefined: none.
  [[nodiscard]] const at::Tensor& past(size_t parameter) const { return states_[parameter].past; }

 private:
  struct State {
    UpdateRule rule;
    at::Tensor clipped, decay;                 ///< x_s: γ g, and λθ where it is coupled
    at::Tensor gradient_buffer, decay_buffer;  ///< fp64
    at::Tensor past;                           ///< buffers when the range began
    double kept = 1;                           ///< Π carried since then
    at::Tensor second_moment;                  ///< Adam
    int64_t updates = 0;
    bool has_buffer = false;  ///< SGD
  };
  void set_rule(State& state, size_t parameter, const Hyperparameters& h);
  [[nodiscard]] at::Tensor scale_of_adam(State& state, size_t parameter,
                                         const Hyperparameters& h) const;

  const RecordedRun* run_;
  int64_t step_ = -1;
  std::vector<State> states_;
};

}  // namespace explaind
