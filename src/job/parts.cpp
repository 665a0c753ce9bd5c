#include "job/parts.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "job/decay_assumptions.hpp"
#include "optimizer_steps/estimated_decay.hpp"
#include "training/run_gradients.hpp"

namespace explaind {
namespace {

void open_run_parts(Problem& problem, const std::vector<Part>& parts) {
  problem.run_directions = std::make_shared<RunDirections>(*problem.run(), parts);
  problem.parts = problem.run_directions;
  if (problem.run_directions->needs_gradients()) {
    require_repeatable_gradients(problem.model(), problem.run()->directory().string());
  }
  for (const Part part : parts) {
    problem.kept_parts.push_back({.part = part, .assumptions = "", .step_index = "applied"});
  }
}

void open_estimate(Problem& problem, const std::vector<Part>& parts) {
  for (const Part part : parts) {
    if (part == Part::decay) continue;
    throw UsageError("--parts " + std::string(part == Part::data ? "data" : "rounding"),
                     "a series of weights does not say what of an update came from training data "
                     "and what was rounded: the optimizer had added it all up",
                     "Keep decay, which can be estimated, or decompose a recorded run, or the "
                     "optimizer's steps at the checkpoints (--source steps)");
  }
  const DecayAssumptions assumed =
      decay_assumptions(problem.question.written.decay, problem.model(), problem.path());
  if (!assumed.taken.empty()) problem.notes.push_back(assumed.taken);
  problem.parts = std::make_shared<EstimatedDecay>(
      problem.subject.shared_path(),
      [schedule = assumed.schedule](int64_t step) { return schedule.learning_rate(step); },
      assumed.decays);
  problem.kept_parts.push_back(
      {.part = Part::decay, .assumptions = assumed.words, .step_index = ""});
}

}  // namespace

void open_parts(Problem& problem) {
  const std::vector<Part>& parts = problem.question.parts;
  if (parts.empty()) return;
  if (problem.steps) {
    throw UsageError("--parts", "of an optimizer's steps all parts are kept anyway",
                     "Leave it out, or --source steps");
  }
  if (problem.solver.axes.train_sample || problem.solver.axes.train_group) {
    if (problem.run() && parts == std::vector<Part>{Part::rounding})
      return;  // TrainingAxis keeps it
    throw UsageError("--parts", "a training axis keeps psi_data and psi_decay anyway",
                     "Give rounding alone, or leave it out");
  }
  problem.run() ? open_run_parts(problem, parts) : open_estimate(problem, parts);
  for (const Part part : parts) problem.solver.directions.push_back({.part = part});
}

}  // namespace explaind
