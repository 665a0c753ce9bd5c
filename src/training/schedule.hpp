#pragma once
// When the learning rate is what, and when a checkpoint is left.

#include <cstdint>
#include <string>
#include <vector>

namespace explaind {

/// Learning rates over `steps` steps. All but the triangle begin with `warmup` steps of linear
/// warm-up, the first of which uses peak / warmup. Then
/// - constant: peak;
/// - cosine: half a cosine down to peak · minimum_ratio at the last step;
/// - wsd (warm-up, stable, decay): peak, and over the last `decay` steps linearly down to
///   peak · minimum_ratio at the last step;
/// - triangle: from 0 at step 0 up to peak at step `warmup`, down to 0 at step `steps` (the first
///   after the run), linearly. Step 0 changes nothing but the momentum.
struct Schedule {
  enum class Shape { constant, cosine, triangle, wsd };

  Shape shape = Shape::cosine;
  double peak = 1e-3;
  double minimum_ratio = 0.1;
  int64_t warmup = 0, decay = 0, steps = 1;

  /// The learning rate of step s = 0 … steps−1.
  [[nodiscard]] double learning_rate(int64_t step) const;
};

/// "constant", "cosine", "triangle", "wsd"; throws UsageError for another word.
Schedule::Shape parse_schedule(const std::string& word);

/// `count` distinct steps from 0 to `steps`, both included, evenly spaced in log(step) from 1 on as
/// far as whole numbers allow. Throws UsageError where count is below 2 or above steps + 1.
std::vector<int64_t> log_spaced_steps(int64_t steps, int64_t count);

}  // namespace explaind
