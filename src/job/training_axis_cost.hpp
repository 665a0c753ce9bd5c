#pragma once
// What the training axis of a recorded run will take.

#include <cstdint>

#include "job/training_axis.hpp"

namespace explaind {

/// The cost of the rank with most to do.
struct TrainingAxisCost {
  double seconds = 0;  ///< of the loop over steps
  int64_t blocks = 1;  ///< applied: of parameters, each a pass over the steps
  int64_t memory = 0;  ///< bytes of a rank
  double passes = 0;   ///< forward and backward passes over training batches, with scores or not
  double evaluations = 0;     ///< gradient evaluations of a prediction sample (and output) and step
  double bytes_read = 0;      ///< weights of the run
  double bytes_of_steps = 0;  ///< weights of all steps up to the last, once
};

/// Runs the engine on the run's first step, and the integrals of the first chunk at its range's
/// begin, middle and end, each with the rule that was asked for: nothing is assumed of nodes. Takes
/// a few steps' time. Not collective.
TrainingAxisCost training_axis_cost(const Problem& problem, const TrainingAxis& axis,
                                    int64_t ranks);

}  // namespace explaind
