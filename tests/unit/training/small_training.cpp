#include "unit/training/small_training.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "datasets/modular_addition.hpp"
#include "model/registry.hpp"

namespace explaind::testing {

nlohmann::json small_transformer_json() {
  return {
      {"name", "grokking_transformer"},
      {"config", {{"vocabulary", 9}, {"width", 8}, {"heads", 2}, {"inner", 12}, {"positions", 4}}}};
}

nlohmann::json small_cnn_json() {
  return {{"name", "cnn"},
          {"config",
           {{"channels", 1},
            {"height", 5},
            {"width", 6},
            {"filters1", 2},
            {"filters2", 3},
            {"hidden", 4},
            {"classes", 3}}}};
}

TrainingData small_sums() { return modular_addition(7, 22, 6, 5); }

TrainingData small_images() {
  at::Generator generator = at::detail::createCPUGenerator(4);
  TrainingData data;
  data.train = {at::randint(0, 256, {11, 1, 5, 6}, generator, at::kByte),
                at::randint(0, 3, {11}, generator, at::kLong)};
  data.validation = {data.train.inputs.narrow(0, 0, 4).contiguous(),
                     data.train.labels.narrow(0, 0, 4).contiguous()};
  data.transform = standardising_transform(data.train.inputs);
  data.classes = 3;
  return data;
}

RecordedTrainingOptions small_options(OptimizerKind kind) {
  RecordedTrainingOptions options;
  options.optimizer = kind;
  options.hyperparameters = {.weight_decay = 0.3,
                             .beta1 = 0.8,
                             .beta2 = 0.9,
                             .epsilon = 1e-6,
                             .momentum = 0.7,
                             .dampening = 0.2};
  options.max_gradient_norm = 0.4;
  options.schedule = {.peak = 0.05, .minimum_ratio = 0, .warmup = 3, .steps = 12};
  options.steps = 12;
  options.batch = 5;
  options.type = at::kDouble;
  options.seed = 9;
  options.block_bytes = 40'000;
  return options;
}

RecordedRun record(const TemporaryFolder& folder, const nlohmann::json& model,
                   const TrainingData& data, const RecordedTrainingOptions& options) {
  const auto built = build_model(model, "test");
  RecordedTraining training(*built, data, options, {{"model", model}});
  training.run(folder.path(), false, StopFlag(), [](int64_t, double) {});
  return RecordedRun::open(folder.path());
}

RecordedRun record(const TemporaryFolder& folder, const TrainingCase& training,
                   const std::function<void(RecordedTrainingOptions&)>& more) {
  RecordedTrainingOptions options = small_options(training.kind);
  more(options);
  training.change(options);
  return training.images ? record(folder, small_cnn_json(), small_images(), options)
                         : record(folder, small_transformer_json(), small_sums(), options);
}

void nesterov(RecordedTrainingOptions& options) {
  options.hyperparameters.nesterov = true;
  options.hyperparameters.dampening = 0;
}

}  // namespace explaind::testing
