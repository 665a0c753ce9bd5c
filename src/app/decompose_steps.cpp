#include "app/decompose_steps.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/stop_request.hpp"
#include "optimizer_steps/step_trajectory.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

TrainingBatch::Axis training_axis(const Axes& axes) {
  return axes.train_sample  ? TrainingBatch::Axis::sample
         : axes.train_group ? TrainingBatch::Axis::group
                            : TrainingBatch::Axis::none;
}

fs::path file_of(const fs::path& folder, const DecomposeJob& job, size_t point) {
  return folder / fmt::format("step-{}", job.path->step(point));
}

/// Whether a parameter's stored weights differ between a checkpoint and the next, or the one before
/// where it is the last.
std::optional<bool> moves(const Path& path, size_t point, size_t parameter) {
  if (path.size() < 2) return std::nullopt;
  const size_t neighbour = point + 1 < path.size() ? point + 1 : point - 1;
  const auto id = static_cast<ParameterId>(parameter);
  const TensorView here = path.tensor(point, id), there = path.tensor(neighbour, id);
  return here.bytes != there.bytes || std::memcmp(here.data, there.data, here.bytes) != 0;
}

}  // namespace

void require_step_options(const DecomposeOptions& options) {
  if (options.source != "steps") {
    if (!options.training_batch.empty()) {
      throw UsageError("--training-batch", "belongs to the steps of an optimizer",
                       "Give --source steps, or leave it out");
    }
    return;
  }
  if (options.training_batch.empty()) {
    throw UsageError("--source steps", "needs the training batch of the steps",
                     "Name it with --training-batch FILE.jsonl");
  }
  if (!options.batch_mean) {
    throw UsageError("--source steps", "needs to know what the training's loss was",
                     "Give --batch-mean tokens (the mean over all predicted tokens of the batch) "
                     "or samples (the mean over samples)");
  }
  static_cast<void>(parse_batch_mean(*options.batch_mean));
  if (!options.clip) {
    throw UsageError("--source steps", "needs to know how the training clipped its gradients",
                     "Give --clip NORM, the largest norm (1 in Trainer unless set), or 0 for none");
  }
  if (options.steps != "all") {
    throw UsageError("--steps", "chooses among segments between checkpoints",
                     "With --source steps name the checkpoints in a list as --series");
  }
}

void open_steps(DecomposeJob& job, const DecomposeOptions& options) {
  const Network& network = *job.network;
  const fs::path tokenizer =
      options.tokenizer.value_or(job.series->checkpoint(0).directory().string());
  std::vector<Sample> samples =
      load_samples(options.training_batch,
                   {.vocabulary = network.vocabulary(),
                    .max_length = options.max_length.value_or(network.max_positions()),
                    .truncate = options.truncate,
                    .tokenizer_directory = tokenizer},
                   &job.notes);
  job.steps.emplace(
      StepJob{.batch = TrainingBatch(std::move(samples), parse_batch_mean(*options.batch_mean),
                                     training_axis(job.solver.axes)),
              .options = {.max_norm = *options.clip,
                          .arithmetic = options.step_precision == "fp64" ? at::kDouble : at::kFloat,
                          .type = job.computation.precision.type,
                          .micro_batch = options.micro_batch,
                          .device = job.computation.device},
              .optimizers = {}});
  const std::vector<NamedShape> parameters =
      layout_of(network, job.steps->batch, job.steps->options).parameters;
  for (size_t i = 0; i < job.series->size(); ++i) {
    job.steps->optimizers.push_back(
        StoredOptimizer::open(job.series->checkpoint(i).directory(), parameters,
                              [&](size_t parameter) { return moves(*job.path, i, parameter); }));
  }
  job.solver.directions = parts_of(job.steps->batch);
  job.solver.trains = static_cast<int64_t>(job.steps->batch.parts.size());
}

FormedSteps::FormedSteps(DecomposeJob& job, const DecomposeOptions& options,
                         const StoreClaim& claim, const Communicator& world)
    : folder_(options, "steps", claim, world) {
  const StepJob& steps = *job.steps;
  if (world.rank() == 0) {
    const size_t frozen = steps.optimizers.front().frozen();
    fmt::print("Forming {} steps of {} training samples, {} parts each, in {}{}\n",
               job.path->size(), steps.batch.samples.size(), steps.batch.parts.size() + 3,
               folder_.path().string(),
               frozen == 0 ? "" : fmt::format("; {} tensors are frozen", frozen));
    std::fflush(stdout);
  }
  const StepFile::Layout layout = layout_of(*job.network, steps.batch, steps.options);
  agree(world, [&] {
    for (size_t i = static_cast<size_t>(world.rank()); i < job.path->size();
         i += static_cast<size_t>(world.size())) {
      require_not_stopped();
      StepFile file(file_of(folder_.path(), job, i), layout, true);
      form_step(*job.network, *job.path, i, steps.optimizers[i], steps.batch, steps.options, file);
      file.sync();
    }
  });
  std::vector<std::shared_ptr<const StepFile>> files;
  agree(world, [&] {
    for (size_t i = 0; i < job.path->size(); ++i) {
      files.push_back(
          std::make_shared<const StepFile>(file_of(folder_.path(), job, i), layout, false));
    }
  });
  job.trajectory = std::make_unique<StepTrajectory>(job.path, layout.parts, std::move(files));
}

void describe_steps(const DecomposeJob& job, StoreSchema& schema) {
  for (const Part part : all_parts) {
    schema.parts.push_back({.part = part, .assumptions = "", .step_index = ""});
  }
  const TrainingBatch& batch = job.steps->batch;
  if (schema.axes.train_group) schema.train_group_names = batch.group_names;
  for (const Sample& sample : batch.samples) {
    if (!schema.axes.train_sample) break;
    schema.train_ids.push_back(sample.id);
    schema.train_groups.push_back(sample.group);
  }
}

}  // namespace explaind
