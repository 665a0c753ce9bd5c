#include "app/checkpoint_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "app/group_collectives.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/stop_request.hpp"
#include "core/unexpected.hpp"
#include "planner/workspace.hpp"

namespace explaind {
namespace {

void require_finite(const CheckpointValues& values, const DecomposeJob& job) {
  const auto outputs = static_cast<size_t>(job.solver.outputs);
  for (size_t i = 0; i < values.values.size(); ++i) {
    if (std::isfinite(values.values[i])) continue;
    throw DataError(
        job.path->describe(i / values.samples),
        fmt::format("F of sample {} is not finite", job.samples[i % values.samples / outputs].id),
        "Leave the checkpoint or the sample out, or try --precision fp64");
  }
}

}  // namespace

CheckpointValues values_at_checkpoints(const DecomposeJob& job, const MemoryPlan& memory,
                                       const Communicator& world, const ProcessGrid& grid) {
  const size_t checkpoints = job.path->size();
  const size_t samples = job.samples.size() * static_cast<size_t>(job.solver.outputs);
  // Segments of no length: one checkpoint is read at a time.
  std::vector<PointPair> points;
  for (size_t i = 0; i < checkpoints; ++i) points.push_back({i, i});
  const PathTrajectory trajectory(job.path, points);
  const Communicator& group = grid.segment_group();
  const UnitSolver solver(job.components, job.samples, job.groups, job.solver, &group);
  std::optional<Progress> progress;
  const auto groups = static_cast<size_t>(grid.segment_groups());
  const auto first = static_cast<size_t>(world.rank() / grid.shards());
  if (world.rank() == 0) {
    progress.emplace("values", static_cast<int64_t>((checkpoints + groups - 1) / groups));
  }
  std::string mine;
  const GroupCollectives collectives = make_group_collectives(group, job.computation.device);
  agree(world, [&] {
    std::optional<Workspace> workspace;
    try {
      workspace.emplace(workspace_of(job, trajectory, memory, *collectives.gathers));
      for (size_t i = first; i < checkpoints; i += groups) {
        agree(group, [&] {
          require_not_stopped();
          workspace->parameters->load(static_cast<int64_t>(i));
        });
        const std::vector<double> values =
            solver.values(false, *workspace->sweep,
                          [&](const std::string& error) { collectives.gathers->abort(error); });
        if (grid.leads()) {
          mine.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
        }
        if (progress) progress->advance(1);
      }
    } catch (const std::exception& error) {
      collectives.gathers->abort(message_of(error));  // others of the group may wait for this rank
      throw;
    }
  });
  if (progress) progress->finish();
  CheckpointValues all{
      .steps = steps_of(*job.path),
      .samples = samples,
      .values = in_path_order(world.all_gather(mine), static_cast<size_t>(grid.shards()),
                              checkpoints, samples)};
  require_finite(all, job);
  return all;
}

void print_curve(const StepCurve& curve) {
  std::string kept, share, explained;
  const size_t segments = curve.explained.size(), rows = std::min<size_t>(10, segments);
  for (size_t i = 1; i <= rows; ++i) {
    const size_t count = (i * segments + rows - 1) / rows;
    kept += fmt::format("{:>8}", count);
    share +=
        fmt::format("{:>6.1f} %", 100 * static_cast<double>(count) / static_cast<double>(segments));
    explained += fmt::format("{:>6.1f} %", 100 * curve.explained[count - 1]);
  }
  fmt::print(
      "\nHow much of |ΔF| the largest of {} hold\n  segments {}\n  of all   {}\n"
      "  of |ΔF|  {}\n",
      counted(segments, "segment"), kept, share, explained);
}

}  // namespace explaind
