// explaind record --series: trains a small language model and leaves its checkpoints as a Hugging
// Face series.

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "app/record_job.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "model/llama.hpp"
#include "training/corpus.hpp"
#include "training/hugging_face_writer.hpp"
#include "training/language_model.hpp"
#include "training/optimizer_writer.hpp"
#include "training/schedule.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr int64_t default_steps = 400;

TrainingOptions training_options(const RecordOptions& options, int64_t steps) {
  TrainingOptions training;
  training.batch = options.batch;
  training.sequence_length = options.sequence_length;
  training.schedule = {.peak = options.learning_rate,
                       .minimum_ratio = options.minimum_learning_rate,
                       .warmup = options.warmup,
                       .steps = steps};
  training.optimizer = {.weight_decay = options.weight_decay,
                        .beta1 = options.beta1,
                        .beta2 = options.beta2,
                        .epsilon = options.epsilon};
  training.max_gradient_norm = options.clip;
  training.seed = static_cast<uint64_t>(options.seed);
  return training;
}

bool of_series(const std::string& name) {
  return name.starts_with("step-") || name == tokenizer_folder;
}

}  // namespace

int record_series(const RecordOptions& options) {
  const ModelConfig config = llama_config(options);
  const int64_t steps = options.steps.value_or(default_steps);
  const std::vector<int64_t> kept = log_spaced_steps(steps, options.checkpoints);
  const std::vector<fs::path> files = text_files({options.text.begin(), options.text.end()});
  const fs::path series = options.series;
  prepare_folder(series, options.overwrite, "series", of_series);
  const fs::path tokenizer_model = make_tokenizer(files, series, options);
  std::vector<int64_t> tokens = token_stream(files, *open_tokenizer(tokenizer_model.parent_path()));
  const LlamaNetwork network(config);
  fmt::print("Training {} parameters on {} tokens, {} of {} × {} tokens\n",
             parameter_count(network), tokens.size(), counted(steps, "step"), options.batch,
             options.sequence_length);
  std::fflush(stdout);

  LanguageModelTraining training(network, std::move(tokens), training_options(options, steps));
  Progress progress("train", steps);
  std::vector<std::pair<int64_t, double>> losses;
  training.run(
      [&](int64_t step, const std::vector<at::Tensor>& weights) {
        if (!std::binary_search(kept.begin(), kept.end(), step)) return;
        write_hugging_face(series / ("step-" + std::to_string(step)), config, network, weights,
                           options.dtype, tokenizer_model);
        if (options.optimizer_state) {
          write_optimizer(series / ("step-" + std::to_string(step)), network, weights,
                          training.optimizer());
        }
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
