#include "job/step_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "core/counted.hpp"
#include "job/checkpoint_values.hpp"
#include "job/config_changes.hpp"
#include "path/step_selection.hpp"

namespace explaind {
namespace {

std::string choice_text(const Problem& problem, const std::vector<PointPair>& pairs) {
  const DecomposeOptions& written = problem.question.written;
  std::string text =
      fmt::format("\nSteps {}, {}: {} of {}\n", written.steps, written.step_policy,
                  counted(pairs.size(), "segment"),
                  counted(problem.path().size(), problem.run() ? "point" : "checkpoint"));
  if (problem.left_out.empty()) return text;
  const auto largest =
      std::max_element(problem.left_out.begin(), problem.left_out.end(),
                       [](double a, double b) { return std::abs(a) < std::abs(b); });
  double mean = 0;
  for (const double each : problem.left_out)
    mean += each / static_cast<double>(problem.left_out.size());
  text += fmt::format("Left out: mean ΔF {:.3e}, largest {:.3e} ({})\n", mean, *largest,
                      problem
                          .samples[static_cast<size_t>(largest - problem.left_out.begin()) /
                                   static_cast<size_t>(problem.solver.outputs)]
                          .id);
  return text;
}

}  // namespace

void choose_steps(Problem& problem, const MemoryPlan& memory, const Ranks& ranks,
                  const Control& control) {
  const StepSelection& selection = problem.question.steps;
  const StepPolicy policy = problem.question.step_policy;
  const bool one_network = problem.subject.networks().size() < 2;
  const bool all = selection.kind == StepSelection::Kind::all;
  if (all && one_network) return;
  const std::vector<int64_t> steps = steps_of(problem.path());
  std::vector<double> change(steps.size() - 1, 0.0);
  std::optional<CheckpointValues> values;
  const bool speaks = ranks.world.rank() == 0;
  if (!all && (selection.kind == StepSelection::Kind::top || policy == StepPolicy::drop)) {
    values = values_at_checkpoints(problem, memory, ranks, control);
    change = values->changes();
    problem.curve = step_curve(steps, change);
    if (speaks) control.listener.say(curve_text(problem.curve));
  }
  const std::vector<PointPair> chosen = select_segments(selection, policy, steps, change);
  problem.set_segments(chosen, !all && policy == StepPolicy::sum);
  if (!all && policy == StepPolicy::drop) {
    problem.left_out = values->left_out(problem.pairs());
  } else if (!one_network) {
    problem.left_out = changes_across_cuts(problem, chosen, memory, ranks, control);
  }
  if (!one_network) problem.config_change = changes_of_configs(problem, memory, ranks, control);
  if (speaks) control.listener.say(choice_text(problem, problem.pairs()));
}

}  // namespace explaind
