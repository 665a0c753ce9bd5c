#include "job/forming_cost.hpp"

#include <algorithm>

#include "checkpoint/tensor_view.hpp"
#include "optimizer_steps/optimizer_step.hpp"

namespace explaind {

FormingCost forming_cost(const Problem& problem, const Calibration& times, int64_t ranks) {
  constexpr double operations = 8;  // of a token and parameter: 2 forward, 2 again, 4 backward
  const StepBatches& steps = *problem.steps;
  double tokens = 0;  // of the largest batch
  for (const TrainingBatch& batch : steps.batches) {
    double own = 0;
    for (const Sample& sample : batch.samples) own += static_cast<double>(sample.input_ids.size());
    tokens = std::max(tokens, own);
  }
  const auto parameters = static_cast<double>(parameter_count(problem.model()));
  const auto checkpoints = static_cast<int64_t>(problem.path().size());
  const StepFile::Layout layout = layout_of(*problem.network(), steps.of(0), steps.options);
  const double bytes_of_step =
      parameters *
      (static_cast<double>(layout.has_end ? dtype_size(layout.end) : 0) +
       static_cast<double>(layout.parts) * static_cast<double>(dtype_size(layout.part)));
  const int64_t of_a_rank = (checkpoints + ranks - 1) / ranks;
  FormingCost cost;
  cost.operations = operations * tokens * parameters * static_cast<double>(of_a_rank);
  cost.seconds = cost.operations / times.rate;
  cost.bytes = static_cast<int64_t>(bytes_of_step * static_cast<double>(checkpoints));
  return cost;
}

}  // namespace explaind
