#include "app/step_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "app/checkpoint_values.hpp"
#include "core/counted.hpp"
#include "path/step_selection.hpp"

namespace explaind {
namespace {

void print_choice(const DecomposeJob& job, const DecomposeOptions& options,
                  const std::vector<PointPair>& pairs) {
  fmt::print("\nSteps {}, {}: {} of {}\n", options.steps, options.step_policy,
             counted(pairs.size(), "segment"),
             counted(job.path->size(), job.run ? "point" : "checkpoint"));
  if (job.left_out.empty()) return;
  const auto largest =
      std::max_element(job.left_out.begin(), job.left_out.end(),
                       [](double a, double b) { return std::abs(a) < std::abs(b); });
  double mean = 0;
  for (const double each : job.left_out) mean += each / static_cast<double>(job.left_out.size());
  fmt::print("Left out: mean ΔF {:.3e}, largest {:.3e} ({})\n", mean, *largest,
             job.samples[static_cast<size_t>(largest - job.left_out.begin()) /
                         static_cast<size_t>(job.solver.outputs)]
                 .id);
}

}  // namespace

void choose_steps(DecomposeJob& job, const DecomposeOptions& options, const MemoryPlan& memory,
                  const Communicator& world, const ProcessGrid& grid) {
  const StepSelection selection = StepSelection::parse(options.steps);
  const StepPolicy policy = parse_step_policy(options.step_policy);
  if (selection.kind == StepSelection::Kind::all) return;
  const std::vector<int64_t> steps = steps_of(*job.path);
  std::vector<double> change(steps.size() - 1, 0.0);
  std::optional<CheckpointValues> values;
  if (selection.kind == StepSelection::Kind::top || policy == StepPolicy::drop) {
    values = values_at_checkpoints(job, memory, world, grid);
    change = values->changes();
    job.curve = step_curve(steps, change);
    if (world.rank() == 0) print_curve(job.curve);
  }
  const std::vector<PointPair> pairs = select_segments(selection, policy, steps, change);
  if (policy == StepPolicy::drop) job.left_out = values->left_out(pairs);
  job.set_segments(pairs, policy == StepPolicy::sum);
  if (world.rank() == 0) print_choice(job, options, pairs);
}

}  // namespace explaind
