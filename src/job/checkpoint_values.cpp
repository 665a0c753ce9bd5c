#include "job/checkpoint_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/unexpected.hpp"
#include "job/group_collectives.hpp"
#include "planner/workspace.hpp"

namespace explaind {
namespace {

void require_finite(const CheckpointValues& values, const Problem& problem) {
  const auto outputs = static_cast<size_t>(problem.solver.outputs);
  for (size_t i = 0; i < values.values.size(); ++i) {
    if (std::isfinite(values.values[i])) continue;
    throw DataError(problem.path().describe(i / values.samples),
                    fmt::format("F of sample {} is not finite",
                                problem.samples[i % values.samples / outputs].id),
                    "Leave the checkpoint or the sample out, or try --precision fp64");
  }
}

}  // namespace

CheckpointValues values_at_checkpoints(const Problem& problem, const MemoryPlan& memory,
                                       const Ranks& ranks, const Control& control) {
  const Communicator& world = ranks.world;
  const ProcessGrid& grid = ranks.grid;
  const size_t checkpoints = problem.path().size();
  const size_t samples = problem.samples.size() * static_cast<size_t>(problem.solver.outputs);
  // Segments of no length: one checkpoint is read at a time.
  std::vector<PointPair> points;
  for (size_t i = 0; i < checkpoints; ++i) points.push_back({i, i});
  const PathTrajectory trajectory(problem.subject.shared_path(), points);
  const Communicator& group = grid.segment_group();
  const UnitSolver solver(problem.components, problem.samples, problem.groups, problem.solver,
                          &group);
  const auto groups = static_cast<size_t>(grid.segment_groups());
  const auto first = static_cast<size_t>(world.rank() / grid.shards());
  if (world.rank() == 0) {
    control.listener.begin("values", static_cast<int64_t>((checkpoints + groups - 1) / groups));
  }
  std::vector<double> mine;
  const GroupCollectives collectives = make_group_collectives(group, problem.computation.device);
  agree(world, [&] {
    std::optional<Workspace> workspace;
    try {
      workspace.emplace(workspace_of(problem, trajectory, memory, *collectives.gathers));
      for (size_t i = first; i < checkpoints; i += groups) {
        agree(group, [&] {
          control.stop.require_down();
          workspace->parameters->load(static_cast<int64_t>(i));
        });
        const std::vector<double> values =
            solver.values(false, *workspace->sweep,
                          [&](const std::string& error) { collectives.gathers->abort(error); });
        if (grid.leads()) {
          mine.insert(mine.end(), values.begin(), values.end());
        }
        if (world.rank() == 0) control.listener.advance(1, "");
      }
    } catch (const std::exception& error) {
      collectives.gathers->abort(message_of(error));  // others of the group may wait for this rank
      throw;
    }
  });
  if (world.rank() == 0) control.listener.finish();
  CheckpointValues all{
      .steps = steps_of(problem.path()),
      .samples = samples,
      .values = in_path_order(world.all_gather(mine), static_cast<size_t>(grid.shards()),
                              checkpoints, samples)};
  require_finite(all, problem);
  return all;
}

std::string curve_text(const StepCurve& curve) {
  std::string kept, share, explained;
  const size_t segments = curve.explained.size(), rows = std::min<size_t>(10, segments);
  for (size_t i = 1; i <= rows; ++i) {
    const size_t count = (i * segments + rows - 1) / rows;
    kept += fmt::format("{:>8}", count);
    share +=
        fmt::format("{:>6.1f} %", 100 * static_cast<double>(count) / static_cast<double>(segments));
    explained += fmt::format("{:>6.1f} %", 100 * curve.explained[count - 1]);
  }
  return fmt::format(
      "\nHow much of |ΔF| the largest of {} hold\n  segments {}\n  of all   {}\n"
      "  of |ΔF|  {}\n",
      counted(segments, "segment"), kept, share, explained);
}

}  // namespace explaind
