// explaind record: trains a small language model and leaves its checkpoints as a Hugging Face
// series.

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "app/verbs.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "model/llama.hpp"
#include "training/corpus.hpp"
#include "training/hugging_face_writer.hpp"
#include "training/language_model.hpp"
#include "training/schedule.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

ModelConfig model_config(const RecordOptions& options) {
  if (options.hidden % options.heads != 0) {
    throw UsageError("--heads", "must divide --hidden", "Change one of them");
  }
  if (options.hidden / options.heads % 2 != 0) {
    throw UsageError("--heads", "the head size must be even (rotary halves)", "Change it");
  }
  if (options.heads % options.key_value_heads != 0) {
    throw UsageError("--key-value-heads", "must divide --heads", "Change one of them");
  }
  ModelConfig config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = options.hidden;
  config.intermediate_size = options.intermediate;
  config.layers = options.layers;
  config.heads = options.heads;
  config.key_value_heads = options.key_value_heads;
  config.head_dim = options.hidden / options.heads;
  config.vocabulary = options.vocabulary;
  config.max_positions = std::max<int64_t>(512, options.sequence_length);
  config.rms_norm_eps = 1e-5;
  config.tied = options.tied;
  return config;
}

TrainingOptions training_options(const RecordOptions& options) {
  TrainingOptions training;
  training.batch = options.batch;
  training.sequence_length = options.sequence_length;
  training.schedule = {.peak = options.learning_rate,
                       .minimum_ratio = options.minimum_learning_rate,
                       .warmup = options.warmup,
                       .steps = options.steps};
  training.optimizer = {.beta1 = options.beta1,
                        .beta2 = options.beta2,
                        .epsilon = options.epsilon,
                        .weight_decay = options.weight_decay};
  training.max_gradient_norm = options.clip;
  training.seed = static_cast<uint64_t>(options.seed);
  return training;
}

/// An empty folder to train into; an old series goes only with --overwrite.
constexpr const char* tokenizer_folder = ".tokenizer";

/// Only what record itself leaves is ever removed.
void prepare_folder(const fs::path& series, bool overwrite) {
  if (fs::exists(series) && !fs::is_empty(series)) {
    if (!overwrite) {
      throw DataError(series.string(), "the series exists", "Use --overwrite, or another --series");
    }
    for (const auto& entry : fs::directory_iterator(series)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("step-") && name != tokenizer_folder) {
        throw DataError(entry.path().string(), "not of a series, so --overwrite does not remove it",
                        "Remove it, or use another --series");
      }
    }
    fs::remove_all(series);
  }
  fs::create_directories(series);
}

/// Trains the tokenizer in a hidden folder of the series, which listings of the series leave out.
fs::path make_tokenizer(const std::vector<fs::path>& files, const RecordOptions& options) {
  const fs::path folder = fs::path(options.series) / tokenizer_folder;
  fs::create_directories(folder);
  fs::path model = folder / "tokenizer.model";
  fmt::print("Training the tokenizer: {} pieces from {} files\n", options.vocabulary, files.size());
  std::fflush(stdout);
  train_tokenizer(files, model,
                  {.vocabulary = options.vocabulary,
                   .seed = static_cast<uint64_t>(options.seed),
                   .threads = 1});
  return model;
}

}  // namespace

int run_record(const RecordOptions& options) {
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const ModelConfig config = model_config(options);
  const std::vector<int64_t> kept = log_spaced_steps(options.steps, options.checkpoints);
  const std::vector<fs::path> files = text_files({options.text.begin(), options.text.end()});
  const fs::path series = options.series;
  prepare_folder(series, options.overwrite);
  const fs::path tokenizer_model = make_tokenizer(files, options);
  std::vector<int64_t> tokens = token_stream(files, *open_tokenizer(tokenizer_model.parent_path()));
  const LlamaNetwork network(config);
  int64_t parameters = 0;
  for (const ParameterInfo& parameter : network.parameters()) {
    int64_t size = 1;
    for (const int64_t length : parameter.shape) size *= length;
    parameters += size;
  }
  fmt::print("Training {} parameters on {} tokens, {} steps of {} × {} tokens\n", parameters,
             tokens.size(), options.steps, options.batch, options.sequence_length);
  std::fflush(stdout);

  LanguageModelTraining training(network, std::move(tokens), training_options(options));
  Progress progress("train", options.steps);
  std::vector<std::pair<int64_t, double>> losses;
  training.run(
      [&](int64_t step, const std::vector<at::Tensor>& weights) {
        if (!std::binary_search(kept.begin(), kept.end(), step)) return;
        write_hugging_face(series / ("step-" + std::to_string(step)), config, network, weights,
                           options.dtype, tokenizer_model);
        losses.emplace_back(step, training.reference_loss());
      },
      [&](int64_t, double loss) { progress.advance(1, fmt::format("loss {:.3f}", loss)); });
  progress.finish();
  fs::remove_all(tokenizer_model.parent_path());  // every checkpoint has its copy

  fmt::print("\n{:>8}  {:>12}\n", "step", "loss [nats]");
  for (const auto& [step, loss] : losses) fmt::print("{:>8}  {:>12.4f}\n", step, loss);
  fmt::print("loss: mean per token of {} fixed windows of the text\n\nWrote {} checkpoints to {}\n",
             reference_windows, losses.size(), series.string());
  return 0;
}

}  // namespace explaind
