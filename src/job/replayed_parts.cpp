#include "job/replayed_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "training/replay_ranks.hpp"
#include "training/run_data.hpp"
#include "training/run_gradients.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& folder, int64_t step) {
  return folder / fmt::format("step-{}", step);
}

/// Ascending: every step of the run that a segment of the trajectory spans.
std::vector<int64_t> steps_of(const Trajectory& trajectory) {
  std::set<int64_t> steps;
  for (int64_t i = 0; i < trajectory.segments(); ++i) {
    for (int64_t step = trajectory.step_from(i); step < trajectory.step_to(i); ++step) {
      steps.insert(step);
    }
  }
  return {steps.begin(), steps.end()};
}

}  // namespace

ReplayedParts::ReplayedParts(const Problem& problem, const StoreClaim& claim,
                             const Communicator& world, const Control& control)
    : folder_("parts", claim, world) {
  const std::vector<int64_t> steps = steps_of(*problem.trajectory);
  const Dtype type = problem.computation.precision.type == at::kDouble ? Dtype::f64 : Dtype::f32;
  if (world.rank() == 0) {
    control.listener.say(
        fmt::format("Replaying {} steps of the optimizer for the parts of {}, in {}\n",
                    steps.empty() ? 0 : steps.back() + 1, steps.size(), folder_.path().string()));
  }
  replay(problem, steps, type, world, control.stop);
  std::map<int64_t, std::shared_ptr<const StepFile>> files;
  agree(world, [&] {
    for (const int64_t step : steps) {
      files[step] = std::make_shared<const StepFile>(file_of(folder_.path(), step),
                                                     problem.run_directions->layout(type), false);
    }
  });
  problem.run_directions->set_files(std::move(files));
}

void ReplayedParts::replay(const Problem& problem, const std::vector<int64_t>& steps, Dtype type,
                           const Communicator& world, const StopFlag& stop) const {
  const int64_t end = steps.empty() ? 0 : steps.back() + 1;
  const auto write = [&](int64_t step, const OptimizerReplay& replay) {
    if (!std::binary_search(steps.begin(), steps.end(), step)) return;
    const StepFile file(file_of(folder_.path(), step), problem.run_directions->layout(type), true);
    problem.run_directions->write(replay, file);
    file.sync();
  };
  if (!problem.run_directions->needs_gradients()) {
    agree(world, [&] {
      OptimizerReplay replay(*problem.run());
      for (int64_t step = 0; step < end; ++step) {
        stop.require_down();
        replay.advance(no_gradients(*problem.run(), step));
        if (step % world.size() == world.rank()) write(step, replay);
      }
    });
    return;
  }
  std::optional<TrainingData> data;
  std::optional<RunGradients> gradients;
  agree(world, [&] {
    data = load_run_data(*problem.run());
    gradients.emplace(problem.model(), *problem.run(), *data);
  });
  ReplayRanks(*problem.run(), *gradients, world, stop)
      .run(
          end,
          [&](int64_t step, const OptimizerReplay& replay) {
            write(step, replay);
            return std::vector<double>();
          },
          [](int64_t, const std::vector<double>&) {});
}

}  // namespace explaind
