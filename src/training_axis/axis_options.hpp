#pragma once
// What the training axis of a recorded run is computed from, and how.

#include <cstdint>

#include "datasets/dataset.hpp"
#include "model/model.hpp"
#include "quadrature/options.hpp"
#include "runs/recorded_run.hpp"

namespace explaind {

/// A recorded run with the model that was trained and the data it was trained on; all must outlive
/// what is made from it.
struct TrainedModel {
  const Model& model;
  const RecordedRun& run;
  const TrainingData& data;
};

struct AxisOptions {
  QuadratureOptions quadrature;  ///< of G over every update
  /// The range of steps whose updates Δ_s are attributed, first ≤ s < last; last −1: to the end.
  /// What earlier steps left in the momentum is a part of its own.
  int64_t first = 0, last = -1;
  /// By origin: also what the updates rounded, which takes the gradients of every step even where
  /// second moments are stored or there are none.
  bool rounding = true;
  int64_t memory = int64_t{1} << 30;  ///< bytes; what it bounds, the users say

  /// last, with −1 resolved. Throws UsageError where the range is not one of the run's.
  [[nodiscard]] int64_t end(const RecordedRun& run) const;
};

}  // namespace explaind
