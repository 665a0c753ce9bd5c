#include "app/applicable_options.hpp"

#include <set>

#include "app/run_samples.hpp"
#include "app/train_axis.hpp"
#include "path/step_selection.hpp"
#include "quadrature/options.hpp"

namespace explaind {
namespace {

const std::set<std::string> adaptive_alone{"tolerance",   "absolute-tolerance", "relative-to",
                                           "first-nodes", "max-nodes",          "max-kink-nodes"};
const std::set<std::string> steps_alone{"training-batch", "batch-mean", "clip", "step-precision"};
const std::set<std::string> sample_files_alone{"max-length", "truncate", "tokenizer"};
/// Options that say how a chain of blocks is held and multiplied.
const std::set<std::string> chains_alone{"product-form", "parameters"};

}  // namespace

bool applies(const std::string& key, const DecomposeOptions& options, const DecomposeJob& job) {
  const Axes& axes = job.solver.axes;
  if (adaptive_alone.contains(key)) {
    return job.solver.quadrature.rule == QuadratureOptions::Rule::adaptive;
  }
  if (steps_alone.contains(key)) return job.steps.has_value();
  if (sample_files_alone.contains(key)) {
    return job.network != nullptr && !(job.run && parse_sample_choice(options.samples));
  }
  if (chains_alone.contains(key)) return job.network != nullptr;
  if (key == "phases") return job.series.has_value();
  if (key == "source") return job.series.has_value();
  if (key == "steps") return !job.steps;
  if (key == "step-policy") {
    return !job.steps && StepSelection::parse(options.steps).kind != StepSelection::Kind::all;
  }
  if (key == "step-index") return job.run && keeps_training(axes);
  if (key == "group-reduce") return axes.group;
  if (key == "device-memory") return job.computation.device.is_cuda();
  return true;
}

}  // namespace explaind
