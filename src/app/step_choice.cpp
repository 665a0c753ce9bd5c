#include "app/step_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/group_collectives.hpp"
#include "core/progress.hpp"
#include "decomposition/step_selection.hpp"
#include "decomposition/workspace.hpp"

namespace explaind {
namespace {

/// F of every sample at every checkpoint: checkpoints × S, on every rank. @collective over world
std::vector<double> values_at_checkpoints(const DecomposeJob& job, const MemoryPlan& memory,
                                          const Communicator& world, const ProcessGrid& grid) {
  const size_t checkpoints = job.series.size(), samples = job.samples.size();
  // Segments of no length: one checkpoint is read at a time.
  std::vector<CheckpointPair> points;
  for (size_t i = 0; i < checkpoints; ++i) points.push_back({i, i});
  const CheckpointTrajectory trajectory(job.series, *job.network, points);
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
      workspace.emplace(*job.network, trajectory, job.components, job.computation, memory,
                        *collectives.gathers);
      for (size_t i = first; i < checkpoints; i += groups) {
        workspace->parameters->load(static_cast<int64_t>(i));
        const std::vector<double> values = solver.values(false, *workspace->sweep);
        if (grid.leads()) {
          mine.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
        }
        if (progress) progress->advance(1);
      }
    } catch (const std::exception& error) {
      collectives.gathers->abort(
          error.what());  // others of the group may wait for this rank's share
      throw;
    }
  });
  if (progress) progress->finish();
  std::vector<double> all(checkpoints * samples);
  const std::vector<std::string> parts = world.all_gather(mine);
  const size_t row = samples * sizeof(double);
  for (size_t i = 0; i < checkpoints; ++i) {
    const std::string& part = parts[i % groups * static_cast<size_t>(grid.shards())];
    std::memcpy(all.data() + i * samples, part.data() + i / groups * row, row);
  }
  return all;
}

/// ΔF per segment and sample.
std::vector<std::vector<double>> changes_of(const std::vector<double>& values, size_t samples) {
  std::vector<std::vector<double>> changes;
  for (size_t at = 0; at + samples < values.size(); at += samples) {
    std::vector<double> change(samples);
    for (size_t s = 0; s < samples; ++s) change[s] = values[at + samples + s] - values[at + s];
    changes.push_back(std::move(change));
  }
  return changes;
}

/// "  segments  8 % 17 % …": the share of |ΔF| that the largest segments hold, in ten steps at
/// most.
void print_curve(const std::vector<double>& shares) {
  std::string kept, explained;
  const size_t rows = std::min<size_t>(10, shares.size());
  for (size_t i = 1; i <= rows; ++i) {
    const size_t count = (i * shares.size() + rows - 1) / rows;
    kept += fmt::format("{:>7}", count);
    explained += fmt::format("{:>5.1f} %", 100 * shares[count - 1]);
  }
  fmt::print("\nHow much of |ΔF| the largest of {} segments hold\n  segments {}\n  of |ΔF|  {}\n",
             shares.size(), kept, explained);
}

/// What the pairs leave out, per sample: the whole change less that of the segments kept.
std::vector<double> left_out(const std::vector<CheckpointPair>& pairs,
                             const std::vector<double>& values, size_t samples) {
  std::vector<double> left(samples);
  for (size_t s = 0; s < samples; ++s) {
    left[s] = values[values.size() - samples + s] - values[s];
    for (const CheckpointPair& pair : pairs) {
      left[s] -= values[pair.to * samples + s] - values[pair.from * samples + s];
    }
  }
  return left;
}

void print_choice(const DecomposeJob& job, const DecomposeOptions& options,
                  const std::vector<CheckpointPair>& pairs) {
  fmt::print("\nSteps {}, {}: {} segments of {} checkpoints\n", options.steps, options.step_policy,
             pairs.size(), job.series.size());
  if (job.left_out.empty()) return;
  const auto largest =
      std::max_element(job.left_out.begin(), job.left_out.end(),
                       [](double a, double b) { return std::abs(a) < std::abs(b); });
  double mean = 0;
  for (const double each : job.left_out) mean += each / static_cast<double>(job.left_out.size());
  fmt::print("Left out: mean ΔF {:.3e}, largest {:.3e} ({})\n", mean, *largest,
             job.samples[static_cast<size_t>(largest - job.left_out.begin())].id);
}

}  // namespace

void choose_steps(DecomposeJob& job, const DecomposeOptions& options, const MemoryPlan& memory,
                  const Communicator& world, const ProcessGrid& grid) {
  const StepSelection selection = StepSelection::parse(options.steps);
  const StepPolicy policy = parse_step_policy(options.step_policy);
  if (selection.kind == StepSelection::Kind::all) return;
  std::vector<int64_t> steps;
  for (size_t i = 0; i < job.series.size(); ++i) steps.push_back(job.series.step(i));
  std::vector<double> change(steps.size() - 1, 0.0), values;
  if (selection.kind == StepSelection::Kind::top || policy == StepPolicy::drop) {
    values = values_at_checkpoints(job, memory, world, grid);
    const auto changes = changes_of(values, job.samples.size());
    for (size_t i = 0; i < changes.size(); ++i) {
      for (const double each : changes[i]) change[i] += std::abs(each);
    }
    if (world.rank() == 0) print_curve(explained_shares(change));
  }
  const std::vector<CheckpointPair> pairs = select_segments(selection, policy, steps, change);
  if (policy == StepPolicy::drop) job.left_out = left_out(pairs, values, job.samples.size());
  job.trajectory = std::make_unique<CheckpointTrajectory>(job.series, *job.network, pairs);
  job.units = UnitGrid(job.trajectory->segments(), static_cast<int64_t>(job.samples.size()),
                       job.solver.chunk, job.solver.axes.sample);
  if (world.rank() == 0) print_choice(job, options, pairs);
}

}  // namespace explaind
