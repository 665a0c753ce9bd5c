#pragma once
// When the learning rate is what, and when a checkpoint is left.

#include <cstdint>
#include <vector>

namespace explaind {

/// Linear warm-up to `peak` over `warmup` steps, then half a cosine down to peak · minimum_ratio at
/// the last step.
struct CosineSchedule {
  double peak = 1e-3;
  double minimum_ratio = 0.1;
  int64_t warmup = 0, steps = 1;

  /// Learning rate of step s = 0 … steps−1 (the first step uses peak / warmup).
  [[nodiscard]] double learning_rate(int64_t step) const;
};

/// `count` distinct steps from 0 to `steps`, both included, evenly spaced in log(step) from 1 on as
/// far as whole numbers allow. Throws UsageError where count is below 2 or above steps + 1.
std::vector<int64_t> log_spaced_steps(int64_t steps, int64_t count);

}  // namespace explaind
