#pragma once
// One exact AdamW step at a checkpoint, in its parts (method.md §6b).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"
#include "model/network.hpp"
#include "optimizer_steps/step_file.hpp"
#include "optimizer_steps/training_batch.hpp"
#include "path/path.hpp"
#include "solver/unit_solver.hpp"
#include "tensors/device.hpp"

namespace explaind {

struct StepOptions {
  double max_norm = 0;                     ///< of the gradient; 0: the training did not clip
  double z_loss = 0;                       ///< coefficient of the mean of (log Σ exp logits)²
  at::ScalarType arithmetic = at::kFloat;  ///< of the training's own step: θ' is rounded to it
  at::ScalarType type = at::kFloat;        ///< of gradients here and of the parts; fp32 or fp64
  int64_t micro_batch = 8;                 ///< training samples that run together
  Device device = Device::cpu();           ///< for the gradients
};

/// What the parts of a step are, in the order of StepFile: data of the batch's parts in order, then
/// momentum, decay, rounding.
std::vector<DirectionPlace> parts_of(const TrainingBatch& batch);

StepFile::Layout layout_of(const Network& network, const TrainingBatch& batch,
                           const StepOptions& options);

/// A point of a path, and the optimizer's state there.
struct OptimizedPoint {
  const Path& path;
  size_t point = 0;
  const StoredOptimizer& state;
};

/// Fills `file` with θ' and the parts of θ' − θ. With ḡ_p the gradient of part p, g = Σ ḡ_p,
/// γ = min(1, max_norm/(‖g‖ + 1e-6)), m and v the moments before the step, k its number,
/// v' = β2 v + (1 − β2)(γ g)² and P = α / (√(v'/(1 − β2^k)) + ε):
///
///   data p    −P (1 − β1)/(1 − β1^k) γ ḡ_p        momentum  −P β1/(1 − β1^k) m
///   decay     −α λ θ                              rounding  what is left of θ' − θ
///
/// θ' is torch.optim.AdamW's, in options.arithmetic. Every norm and sum is formed in fp64, in a
/// fixed order. Throws DataError naming checkpoint and parameter where a value is not finite. Not
/// collective.
void form_step(const Network& network, const OptimizedPoint& where, const TrainingBatch& batch,
               const StepOptions& options, StepFile& file);

}  // namespace explaind
