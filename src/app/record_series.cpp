// explaind record --series: trains a small language model and leaves its checkpoints as a Hugging
// Face series.

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "app/output_claims.hpp"
#include "app/record_job.hpp"
#include "app/stop_signals.hpp"
#include "claims/own_folder.hpp"
#include "core/counted.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"
#include "training/corpus.hpp"
#include "training/decayed_parameters.hpp"
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
  training.z_loss = options.z_loss.value_or(0);
  training.seed = static_cast<uint64_t>(options.seed);
  return training;
}

std::string name_of(int64_t step) { return "step-" + std::to_string(step); }

/// Whether record writes a file of this path into a series.
bool writes_into_series(const fs::path& relative) {
  static const std::set<std::string> files{
      "config.json",    "generation_config.json", "model.safetensors",    "tokenizer.model",
      "optimizer.json", "optimizer.safetensors",  "tokenizer_config.json"};
  const auto parts = std::distance(relative.begin(), relative.end());
  const std::string step = relative.begin()->string();
  const bool is_step = step.starts_with("step-") && step.size() > 5 &&
                       step.find_first_not_of("0123456789", 5) == std::string::npos;
  return is_step && (parts == 1 || (parts == 2 && files.contains(relative.filename().string())));
}

constexpr const char* series_stop_words =
    "\nStopping after this step: finished checkpoints are kept. Ctrl-C again ends at once.\n";

std::string stopped_words(const fs::path& series, size_t checkpoints) {
  return fmt::format(
      "Stopped on request with {} checkpoint{} in {}. A series cannot be gone on with: --overwrite "
      "begins again",
      checkpoints, checkpoints == 1 ? "" : "s", series.string());
}

}  // namespace

int record_series(const RecordOptions& options) {
  const nlohmann::json config = language_model_config(options);
  const int64_t steps = options.steps.value_or(default_steps);
  const std::vector<int64_t> kept = log_spaced_steps(steps, options.checkpoints);
  const std::vector<fs::path> files = text_files({options.text.begin(), options.text.end()});
  const fs::path series = options.series;
  const Decoder network(read_decoder_config(config, "--family"));
  const DecayedParameters decayed = decayed_parameters(options.decay_on, network);
  TrainingOptions training_with = training_options(options, steps);
  training_with.decays = decayed.decays;
  const StopFlag& stop = stop_on_signals(series_stop_words, options.grace);
  const OwnFolder folder({.path = series,
                          .what = "series",
                          .overwrite = options.overwrite,
                          .keeps = {},
                          .entries = {},
                          .writes = writes_into_series,
                          .says_when_ended = true,
                          .known_otherwise = {}},
                         spoken_wait());
  const fs::path tokenizer_model = make_tokenizer(files, series, options, stop);
  std::vector<int64_t> tokens = token_stream(files, *open_tokenizer(tokenizer_model.parent_path()));
  fmt::print("Training {} parameters on {} tokens, {} of {} × {} tokens\n",
             parameter_count(network), tokens.size(), counted(steps, "step"), options.batch,
             options.sequence_length);
  if (!decayed.words.empty()) fmt::print("{}\n", decayed.words);
  std::fflush(stdout);

  LanguageModelTraining training(network, std::move(tokens), training_with);
  Progress progress("train", steps);
  std::vector<std::pair<int64_t, double>> losses;
  training.run(
      [&](int64_t step, const std::vector<at::Tensor>& weights) {
        if (stop.raised()) throw StopRequested(stopped_words(series, losses.size()));
        if (!std::binary_search(kept.begin(), kept.end(), step)) return;
        folder.require_held();
        folder.add(name_of(step));
        write_hugging_face(series / name_of(step),
                           {config, network, weights, options.dtype, tokenizer_model},
                           [&](const fs::path& unfinished) {
                             if (!options.optimizer_state) return;
                             write_optimizer(unfinished, network, weights, training.optimizer());
                           });
        losses.emplace_back(step, training.reference_loss());
      },
      [&](int64_t, double loss) { progress.advance(1, fmt::format("loss {:.3f}", loss)); });
  progress.finish();
  fs::remove_all(tokenizer_model.parent_path());  // every checkpoint has its copy
  folder.ended();

  fmt::print("\n{:>8}  {:>12}\n", "step", "loss [nats]");
  for (const auto& [step, loss] : losses) fmt::print("{:>8}  {:>12.4f}\n", step, loss);
  fmt::print("loss: mean per token of {} fixed windows of the text\n\nWrote {} checkpoints to {}\n",
             reference_windows, losses.size(), series.string());
  return 0;
}

}  // namespace explaind
