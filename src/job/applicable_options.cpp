#include "job/applicable_options.hpp"

#include <set>

#include "job/run_samples.hpp"
#include "path/step_selection.hpp"
#include "quadrature/options.hpp"

namespace explaind {
namespace {

const std::set<std::string> adaptive_alone{"tolerance",   "absolute-tolerance", "relative-to",
                                           "first-nodes", "max-nodes",          "max-kink-nodes"};
const std::set<std::string> steps_alone{"training-batch", "batch-mean", "clip", "step-precision",
                                        "z-loss"};
const std::set<std::string> sample_files_alone{"max-length", "truncate", "tokenizer", "window",
                                               "stride"};
/// Options that say how a chain of blocks is held and multiplied.
const std::set<std::string> chains_alone{"product-form", "parameters"};

}  // namespace

bool applies(const std::string& key, const Problem& problem) {
  const Question& question = problem.question;
  const Axes& axes = problem.solver.axes;
  if (adaptive_alone.contains(key)) {
    return finds_nodes(problem.solver.quadrature);
  }
  if (steps_alone.contains(key)) return problem.steps.has_value();
  if (sample_files_alone.contains(key)) {
    return problem.network() != nullptr &&
           !(problem.run() && parse_sample_choice(question.written.samples));
  }
  if (chains_alone.contains(key)) return problem.network() != nullptr;
  if (key == "phases" || key == "series-seed" || key == "step-pattern")
    return problem.subject.series().has_value();
  if (key == "bridge") return !problem.subject.config_changes().empty();
  if (key == "source") return problem.subject.series().has_value();
  if (key == "steps") return !problem.steps;
  if (key == "step-policy") {
    return !problem.steps && question.steps.kind != StepSelection::Kind::all;
  }
  if (key == "step-index") return problem.run() && question.keeps_training();
  if (key == "group-reduce") return axes.group;
  if (key == "device-memory") return problem.computation.device.is_cuda();
  return true;
}

}  // namespace explaind
