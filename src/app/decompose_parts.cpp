#include "app/decompose_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "app/decay_assumptions.hpp"
#include "core/error.hpp"
#include "core/stop_request.hpp"
#include "optimizer_steps/estimated_decay.hpp"
#include "training/batch_gradients.hpp"
#include "training/replay_ranks.hpp"
#include "training/run_data.hpp"

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

void open_run_parts(DecomposeJob& job, const std::vector<Part>& parts) {
  job.run_parts = std::make_shared<RunParts>(*job.run, parts);
  job.parts = job.run_parts;
  if (job.run_parts->needs_gradients()) {
    require_repeatable_gradients(*job.model, job.run->directory().string());
  }
  for (const Part part : parts) {
    job.kept_parts.push_back({.part = part, .assumptions = "", .step_index = "applied"});
  }
}

void open_estimate(DecomposeJob& job, const DecomposeOptions& options,
                   const std::vector<Part>& parts) {
  for (const Part part : parts) {
    if (part == Part::decay) continue;
    throw UsageError("--parts " + std::string(part == Part::data ? "data" : "rounding"),
                     "a series of weights does not say what of an update came from training data "
                     "and what was rounded: the optimizer had added it all up",
                     "Keep decay, which can be estimated, or decompose a recorded run, or the "
                     "optimizer's steps at the checkpoints (--source steps)");
  }
  const DecayAssumptions assumed = decay_assumptions(options.decay, *job.model, *job.path);
  job.parts = std::make_shared<EstimatedDecay>(
      job.path,
      [schedule = assumed.schedule](int64_t step) { return schedule.learning_rate(step); },
      assumed.decays);
  job.kept_parts.push_back({.part = Part::decay, .assumptions = assumed.words, .step_index = ""});
}

}  // namespace

std::vector<Part> parse_parts(const std::vector<std::string>& words) {
  std::vector<Part> parts;
  for (const std::string& word : words) {
    const Part part = word == "decay"      ? Part::decay
                      : word == "rounding" ? Part::rounding
                      : word == "data"     ? Part::data
                                           : Part::momentum;
    if (part == Part::momentum) {
      throw UsageError("--parts", "unknown value '" + word + "'", "Use decay, rounding or data");
    }
    if (std::find(parts.begin(), parts.end(), part) != parts.end()) {
      throw UsageError("--parts", word + " stands twice", "Name it once");
    }
    parts.push_back(part);
  }
  return parts;
}

void open_parts(DecomposeJob& job, const DecomposeOptions& options) {
  const std::vector<Part> parts = parse_parts(options.parts);
  if (parts.empty()) return;
  if (job.steps) {
    throw UsageError("--parts", "of an optimizer's steps all parts are kept anyway",
                     "Leave it out, or --source steps");
  }
  if (job.solver.axes.train_sample || job.solver.axes.train_group) {
    if (job.run && parts == std::vector<Part>{Part::rounding}) return;  // TrainAxis keeps it
    throw UsageError("--parts", "a training axis keeps psi_data and psi_decay anyway",
                     "Give rounding alone, or leave it out");
  }
  job.run ? open_run_parts(job, parts) : open_estimate(job, options, parts);
  for (const Part part : parts) job.solver.directions.push_back({.part = part});
}

ReplayedParts::ReplayedParts(const DecomposeJob& job, const DecomposeOptions& options,
                             const StoreClaim& claim, const Communicator& world)
    : folder_(options, "parts", claim, world) {
  const std::vector<int64_t> steps = steps_of(*job.trajectory);
  const Dtype type = job.computation.precision.type == at::kDouble ? Dtype::f64 : Dtype::f32;
  if (world.rank() == 0) {
    fmt::print("Replaying {} steps of the optimizer for the parts of {}, in {}\n",
               steps.empty() ? 0 : steps.back() + 1, steps.size(), folder_.path().string());
    std::fflush(stdout);
  }
  replay(job, steps, type, world);
  std::map<int64_t, std::shared_ptr<const StepFile>> files;
  agree(world, [&] {
    for (const int64_t step : steps) {
      files[step] = std::make_shared<const StepFile>(file_of(folder_.path(), step),
                                                     job.run_parts->layout(type), false);
    }
  });
  job.run_parts->set_files(std::move(files));
}

void ReplayedParts::replay(const DecomposeJob& job, const std::vector<int64_t>& steps, Dtype type,
                           const Communicator& world) const {
  const int64_t end = steps.empty() ? 0 : steps.back() + 1;
  const auto write = [&](int64_t step, const OptimizerReplay& replay) {
    if (!std::binary_search(steps.begin(), steps.end(), step)) return;
    const StepFile file(file_of(folder_.path(), step), job.run_parts->layout(type), true);
    job.run_parts->write(replay, file);
    file.sync();
  };
  if (!job.run_parts->needs_gradients()) {
    agree(world, [&] {
      OptimizerReplay replay(*job.run);
      for (int64_t step = 0; step < end; ++step) {
        require_not_stopped();
        replay.advance(no_gradients(*job.run, step));
        if (step % world.size() == world.rank()) write(step, replay);
      }
    });
    return;
  }
  std::optional<TrainingData> data;
  std::optional<BatchGradients> gradients;
  agree(world, [&] {
    data = load_run_data(*job.run);
    gradients.emplace(*job.model, *job.run, *data);
  });
  ReplayRanks(*job.run, *gradients, world)
      .run(
          end,
          [&](int64_t step, const OptimizerReplay& replay) {
            write(step, replay);
            return std::string();
          },
          [](int64_t, const std::string&) {});
}

}  // namespace explaind
