#pragma once
// Which samples each step trains on.

#include <cstdint>
#include <vector>

namespace explaind {

/// Every epoch goes through all samples once, in an order of its own where they are shuffled. What
/// a step gets depends on the seed and its number alone, so a run can go on anywhere.
class BatchPlan {
 public:
  /// batch: samples a step, at most all. Without drop_last an epoch's last batch may be smaller.
  BatchPlan(int64_t samples, int64_t batch, bool shuffle, bool drop_last, uint64_t seed);

  [[nodiscard]] int64_t steps_per_epoch() const { return steps_per_epoch_; }
  /// Indices of the samples of step s = 0, 1, ….
  [[nodiscard]] const std::vector<int64_t>& samples(int64_t step);
  /// One flag a sample of step s: mirrored or not, evenly drawn.
  [[nodiscard]] std::vector<uint8_t> flips(int64_t step);

 private:
  int64_t samples_, batch_, steps_per_epoch_;
  bool shuffle_;
  uint64_t seed_;
  int64_t epoch_ = -1;          ///< of order_
  std::vector<int64_t> order_;  ///< of the epoch
  std::vector<int64_t> current_;
};

}  // namespace explaind
