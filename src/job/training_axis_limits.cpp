// What goes with a training axis of a recorded run.

#include "core/error.hpp"
#include "job/training_axis.hpp"
#include "training/tensor_of.hpp"

namespace explaind {

void require_training_axis(const Problem& problem, int shards) {
  const Axes& axes = problem.solver.axes;
  const DecomposeOptions& options = problem.question.written;
  if (axes.position) {
    throw UsageError("--axes", "a training axis goes with sample or group, output and component",
                     "Leave out position");
  }
  const StepSelection::Kind steps = problem.question.steps.kind;
  if (steps != StepSelection::Kind::all && steps != StepSelection::Kind::range) {
    throw UsageError("--steps", "momentum reaches over all steps: a training axis keeps them",
                     "Leave it out, or give range:FIRST:LAST");
  }
  const std::string run = problem.run()->directory().string();
  const std::string own =
      scalar_type_of(problem.run()->description().dtype, run) == at::kDouble ? "fp64" : "fp32";
  if (options.precision != own) {
    throw UsageError("--precision", "a training axis is computed in the run's own type",
                     "Use " + own);
  }
  if (own == "fp32" && options.value_precision == "same") {
    throw UsageError("--value-precision", "a training axis forms F at every step in fp64",
                     "Leave it out");
  }
  if (shards > 1) {
    throw UsageError("--shards", "every rank goes over all steps by itself for a training axis",
                     "Use --shards 1");
  }
  if (problem.computation.device.is_cuda()) {
    throw UsageError("--device", "a training axis is computed by the processor", "Use cpu");
  }
}

}  // namespace explaind
