#include "app/record_training.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "app/record_data.hpp"
#include "app/record_job.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "model/registry.hpp"
#include "training/hugging_face_writer.hpp"

namespace explaind {
namespace {

constexpr int64_t default_run_steps = 400;

}  // namespace

nlohmann::json model_json(const RecordOptions& options, const TrainingData& data) {
  const at::Tensor& inputs = data.train.inputs;
  nlohmann::json config;
  if (options.model == "llama") {
    constexpr int64_t bos = 1, eos = 2;  // as the tokenizer numbers them
    config = with_tokens(language_model_config(options), "float32", bos, eos);
  } else if (options.model == "grokking_transformer") {
    config = {{"vocabulary", data.classes},
              {"width", options.hidden},
              {"heads", options.heads},
              {"inner", options.intermediate},
              {"positions", 10}};
  } else if (options.model == "cnn") {
    const int64_t filters = options.filters.value_or(16);
    config = {{"channels", inputs.size(1)}, {"height", inputs.size(2)}, {"width", inputs.size(3)},
              {"filters1", filters},        {"filters2", 2 * filters},  {"hidden", options.hidden},
              {"classes", data.classes}};
  } else {
    constexpr int64_t least = 12;  // what is left for its last, unpadded convolution
    if (inputs.size(2) < least || inputs.size(3) < least) {
      throw DataError(options.data,
                      fmt::format("images of {} × {} are too small for resnet9", inputs.size(2),
                                  inputs.size(3)),
                      fmt::format("At least {} × {}", least, least));
    }
    config = {{"channels", inputs.size(1)},
              {"width", options.filters.value_or(64)},
              {"classes", data.classes}};
  }
  if (options.model != "llama" && options.activation != "relu") {
    config["activation"] = options.activation;
  }
  return {{"name", options.model}, {"config", config}};
}

RecordedTrainingOptions recorded_options(const RecordOptions& options, int64_t samples) {
  RecordedTrainingOptions training;
  training.optimizer = parse_optimizer(options.optimizer, "--optimizer");
  training.hyperparameters = {.weight_decay = options.weight_decay,
                              .beta1 = options.beta1,
                              .beta2 = options.beta2,
                              .epsilon = options.epsilon,
                              .momentum = options.momentum,
                              .dampening = options.dampening,
                              .nesterov = options.nesterov};
  training.max_gradient_norm = options.clip;
  training.batch = std::min(options.batch, samples);
  training.shuffle = options.shuffle;
  training.drop_last = options.drop_last;
  training.flips = options.flips;
  training.type = options.precision == "fp64" ? at::kDouble : at::kFloat;
  training.seed = static_cast<uint64_t>(options.seed);
  training.stop_accuracy = options.stop_accuracy;
  training.block_bytes = parse_bytes("--block-size", options.block_size);
  training.other_build = options.other_build;
  for (const std::string& word : options.keep) {
    (word == "gradient" ? training.keep_gradients : training.keep_second_moments) = true;
  }
  const int64_t per_epoch = training.drop_last ? samples / training.batch
                                               : (samples + training.batch - 1) / training.batch;
  int64_t steps = options.steps.value_or(default_run_steps);
  if (options.epochs > 0) {
    steps = std::min(options.steps.value_or(INT64_MAX), options.epochs * per_epoch);
  }
  training.schedule = {.shape = parse_schedule(options.schedule),
                       .peak = options.learning_rate,
                       .minimum_ratio = options.minimum_learning_rate,
                       .warmup = options.warmup,
                       .decay = options.decay_steps,
                       .steps = options.epochs > 0 ? options.epochs * per_epoch : steps};
  training.steps = steps;
  return training;
}

void require_run_options(const RecordOptions& options) {
  if (options.nesterov && (options.momentum <= 0 || options.dampening != 0)) {
    throw UsageError("--nesterov", "needs momentum and no dampening", "As torch.optim.SGD does");
  }
  const bool images = options.model == "cnn" || options.model == "resnet9";
  if (options.flips && !images) throw UsageError("--flips", "only images can be mirrored", "");
  if (options.optimizer == "sgd" &&
      std::find(options.keep.begin(), options.keep.end(), "second_moment") != options.keep.end()) {
    throw UsageError("--keep", "sgd has no second moment", "Leave it out");
  }
  for (const std::string& word : options.keep) {
    if (word != "second_moment" && word != "gradient") {
      throw UsageError("--keep", "unknown value '" + word + "'", "Use second_moment or gradient");
    }
  }
  static_cast<void>(parse_bytes("--block-size", options.block_size));
  if (options.model == "llama") static_cast<void>(language_model_config(options));
  if (dataset_of(options) == "text" && options.text.empty()) {
    throw UsageError("record", "--text is missing", "Give --text PATHS or set it in the INI file");
  }
  if (options.other_build && !options.resume) {
    throw UsageError("record", "--other-build says how to go on, and --resume is not given",
                     "Give --resume too, or leave it out");
  }
  if (options.overwrite && options.resume) {
    throw UsageError("record", "both --overwrite and --resume are given", "Use one");
  }
}

/// Bytes of all files of a folder.

}  // namespace explaind
