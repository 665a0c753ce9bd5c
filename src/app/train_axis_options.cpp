// What goes with a training axis of a recorded run.

#include "app/train_axis.hpp"
#include "core/error.hpp"
#include "path/step_selection.hpp"
#include "training/tensor_of.hpp"

namespace explaind {

void require_train_axis(const DecomposeJob& job, const DecomposeOptions& options, int shards) {
  const Axes& axes = job.solver.axes;
  if (!job.run || !keeps_training(axes)) {
    if (options.step_index == "origin") return;
    throw UsageError("--step-index", "numbers the training axis of a recorded run",
                     "Keep train_sample or train_group of a run, or leave it out");
  }
  if (axes.position) {
    throw UsageError("--axes", "a training axis goes with sample or group, output and component",
                     "Leave out position");
  }
  const StepSelection::Kind steps = StepSelection::parse(options.steps).kind;
  if (steps != StepSelection::Kind::all && steps != StepSelection::Kind::range) {
    throw UsageError("--steps", "momentum reaches over all steps: a training axis keeps them",
                     "Leave it out, or give range:FIRST:LAST");
  }
  const std::string run = job.run->directory().string();
  const std::string own =
      scalar_type_of(job.run->description().dtype, run) == at::kDouble ? "fp64" : "fp32";
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
  if (job.computation.device.is_cuda()) {
    throw UsageError("--device", "a training axis is computed by the processor", "Use cpu");
  }
}

}  // namespace explaind
