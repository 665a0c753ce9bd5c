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

/// values: points, samples and their outputs.
void require_finite(const std::vector<double>& values, const std::vector<PointOfNetwork>& points,
                    const Problem& problem) {
  const auto outputs = static_cast<size_t>(problem.solver.outputs);
  const size_t row = problem.samples.size() * outputs;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw DataError(
        problem.path().describe(points[i / row].point),
        fmt::format("F of sample {} is not finite", problem.samples[i % row / outputs].id),
        "Leave the checkpoint or the sample out, or try --precision fp64");
  }
}

}  // namespace

std::vector<double> values_at(const Problem& problem, const std::vector<PointOfNetwork>& points,
                              const MemoryPlan& memory, const Ranks& ranks,
                              const Control& control) {
  const Communicator& world = ranks.world;
  const ProcessGrid& grid = ranks.grid;
  const size_t count = points.size();
  const size_t samples = problem.samples.size() * static_cast<size_t>(problem.solver.outputs);
  // Segments of no length: one point is read at a time.
  std::vector<PointPair> places;
  for (const PointOfNetwork& each : points) places.push_back({each.point, each.point});
  const PathTrajectory trajectory(problem.subject.shared_path(), places);
  const auto network_of = [&](int64_t segment) {
    return points[static_cast<size_t>(segment)].network;
  };
  const Communicator& group = grid.segment_group();
  const UnitSolver solver(problem.components, problem.samples, problem.groups, problem.solver,
                          &group);
  const auto groups = static_cast<size_t>(grid.segment_groups());
  const auto first = static_cast<size_t>(world.rank() / grid.shards());
  if (world.rank() == 0) {
    control.listener.begin("values", static_cast<int64_t>((count + groups - 1) / groups));
  }
  std::vector<double> mine;
  const GroupCollectives collectives = make_group_collectives(group, problem.computation.device);
  agree(world, [&] {
    std::optional<Workspace> workspace;
    try {
      workspace.emplace(
          workspace_of(problem, trajectory, memory, *collectives.gathers, network_of));
      for (size_t i = first; i < count; i += groups) {
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
  std::vector<double> all =
      in_path_order(world.all_gather(mine), static_cast<size_t>(grid.shards()), count, samples);
  require_finite(all, points, problem);
  return all;
}

CheckpointValues values_at_checkpoints(const Problem& problem, const MemoryPlan& memory,
                                       const Ranks& ranks, const Control& control) {
  std::vector<PointOfNetwork> points;
  for (size_t i = 0; i < problem.path().size(); ++i) {
    points.push_back({i, problem.subject.network_of(i)});
  }
  return {.steps = steps_of(problem.path()),
          .samples = problem.samples.size() * static_cast<size_t>(problem.solver.outputs),
          .values = values_at(problem, points, memory, ranks, control)};
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
