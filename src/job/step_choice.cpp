#include "job/step_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "core/counted.hpp"
#include "job/checkpoint_values.hpp"
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
  if (selection.kind == StepSelection::Kind::all) return;
  const std::vector<int64_t> steps = steps_of(problem.path());
  std::vector<double> change(steps.size() - 1, 0.0);
  std::optional<CheckpointValues> values;
  const bool speaks = ranks.world.rank() == 0;
  if (selection.kind == StepSelection::Kind::top || policy == StepPolicy::drop) {
    values = values_at_checkpoints(problem, memory, ranks, control);
    change = values->changes();
    problem.curve = step_curve(steps, change);
    if (speaks) control.listener.say(curve_text(problem.curve));
  }
  const std::vector<PointPair> pairs = select_segments(selection, policy, steps, change);
  if (policy == StepPolicy::drop) problem.left_out = values->left_out(pairs);
  problem.set_segments(pairs, policy == StepPolicy::sum);
  if (speaks) control.listener.say(choice_text(problem, pairs));
}

}  // namespace explaind
