#include "job/formed_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "optimizer_steps/step_trajectory.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& folder, const Problem& problem, size_t point) {
  return folder / fmt::format("step-{}", problem.path().step(point));
}

/// Training samples of a batch, where batches are many of the fewest and the most.
std::string samples_in_words(const StepBatches& steps) {
  const auto [least, most] = std::minmax_element(
      steps.batches.begin(), steps.batches.end(),
      [](const auto& a, const auto& b) { return a.samples.size() < b.samples.size(); });
  if (least->samples.size() == most->samples.size())
    return fmt::format("{}", least->samples.size());
  return fmt::format("{} to {}", least->samples.size(), most->samples.size());
}

}  // namespace

FormedSteps::FormedSteps(Problem& problem, const StoreClaim& claim, const Communicator& world,
                         const Control& control)
    : folder_("steps", claim, world) {
  const StepBatches& steps = *problem.steps;
  if (world.rank() == 0) {
    const size_t frozen = problem.subject.optimizers().front().frozen();
    control.listener.say(fmt::format(
        "Forming {} steps of {} training samples, {} parts each, in {}{}\n", problem.path().size(),
        samples_in_words(steps), steps.of(0).parts.size() + 3, folder_.path().string(),
        frozen == 0 ? "" : fmt::format("; {} tensors are frozen", frozen)));
  }
  const StepFile::Layout layout = layout_of(*problem.network(), steps.of(0), steps.options);
  agree(world, [&] {
    for (size_t i = static_cast<size_t>(world.rank()); i < problem.path().size();
         i += static_cast<size_t>(world.size())) {
      control.stop.require_down();
      StepFile file(file_of(folder_.path(), problem, i), layout, true);
      form_step(*problem.network(), {problem.path(), i, problem.subject.optimizers()[i]},
                steps.of(i), steps.options, file);
      file.sync();
    }
  });
  std::vector<std::shared_ptr<const StepFile>> files;
  agree(world, [&] {
    for (size_t i = 0; i < problem.path().size(); ++i) {
      files.push_back(
          std::make_shared<const StepFile>(file_of(folder_.path(), problem, i), layout, false));
    }
  });
  problem.trajectory = std::make_unique<StepTrajectory>(problem.subject.shared_path(), layout.parts,
                                                        std::move(files));
}

void describe_steps(const Problem& problem, StoreSchema& schema) {
  for (const Part part : all_parts) {
    schema.parts.push_back({.part = part, .assumptions = "", .step_index = ""});
  }
  const TrainingBatch& batch = problem.steps->of(0);
  if (schema.axes.train_group) schema.train_group_names = batch.group_names;
  for (const Sample& sample : batch.samples) {
    if (!schema.axes.train_sample) break;
    schema.train_ids.push_back(sample.id);
    schema.train_groups.push_back(sample.group);
  }
}

}  // namespace explaind
