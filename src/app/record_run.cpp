// explaind record --history: trains a model and leaves its whole history as a recorded run.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "app/output_claims.hpp"
#include "app/record_data.hpp"
#include "app/record_job.hpp"
#include "app/stop_signals.hpp"
#include "claims/own_folder.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"
#include "model/registry.hpp"
#include "runs/recorded_run.hpp"
#include "runs/run_block.hpp"
#include "runs/run_files.hpp"
#include "training/recorded_training.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr int64_t default_run_steps = 400;

/// What a recorded run's folder may hold: the recorder for PyTorch leaves .tmp where it is killed.
std::vector<std::string> entries_of_run() {
  std::vector<std::string> entries{run_files::run,  run_files::start, run_files::blocks,
                                   run_files::data, run_files::state, run_files::complete,
                                   tokenizer_file};
  for (size_t i = 0, count = entries.size(); i < count; ++i) entries.push_back(entries[i] + ".tmp");
  return entries;
}

bool writes_into_run(const fs::path& relative) {
  const auto parts = std::distance(relative.begin(), relative.end());
  if (parts == 1) return true;  // the entries above
  std::string name = relative.filename().string();
  if (name.ends_with(".tmp")) name.resize(name.size() - 4);
  return parts == 2 && *relative.begin() == run_files::blocks && block_first_step(name).has_value();
}

constexpr const char* run_stop_words =
    "\nStopping after this step: what is recorded is kept; the same command with --resume goes on. "
    "Ctrl-C again ends at once.\n";

nlohmann::json model_json(const RecordOptions& options, const TrainingData& data) {
  const at::Tensor& inputs = data.train.inputs;
  nlohmann::json config;
  if (options.model == "llama") {
    constexpr int64_t bos = 1, eos = 2;  // as the tokenizer numbers them
    config = to_hugging_face(llama_config(options), "float32", bos, eos);
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
  training.decay_all = options.decay_on == "all";
  training.max_gradient_norm = options.clip;
  training.batch = std::min(options.batch, samples);
  training.shuffle = options.shuffle;
  training.drop_last = options.drop_last;
  training.flips = options.flips;
  training.type = options.precision == "fp64" ? at::kDouble : at::kFloat;
  training.seed = static_cast<uint64_t>(options.seed);
  training.stop_accuracy = options.stop_accuracy;
  training.block_bytes = parse_bytes("--block-size", options.block_size);
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

void require_possible(const RecordOptions& options) {
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
  if (options.model == "llama") static_cast<void>(llama_config(options));
  if (dataset_of(options) == "text" && options.text.empty()) {
    throw UsageError("record", "--text is missing", "Give --text PATHS or set it in the INI file");
  }
  if (options.overwrite && options.resume) {
    throw UsageError("record", "both --overwrite and --resume are given", "Use one");
  }
}

/// Bytes of all files of a folder.
double folder_bytes(const fs::path& folder) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

}  // namespace

int record_run(const RecordOptions& options) {
  require_possible(options);
  const fs::path folder = options.history;
  // Data and options are refused before anything is removed or written; text needs the folder.
  const bool text = dataset_of(options) == "text";
  const StopFlag& stop = stop_on_signals(run_stop_words);
  TrainingData data = text ? TrainingData{} : load_data(options, stop);
  bool resume = false;
  const OwnFolder claimed({.path = folder,
                           .what = "run",
                           .overwrite = options.overwrite || options.resume,
                           .keeps =
                               [&] {
                                 resume = options.resume && is_recorded_run(folder);
                                 return resume;
                               },
                           .entries = entries_of_run(),
                           .writes = writes_into_run,
                           .known_otherwise = [&] { return is_recorded_run(folder); }},
                          spoken_wait());
  if (text) data = load_data(options, stop);
  const nlohmann::json description = model_json(options, data);
  const std::unique_ptr<Model> model = build_model(description, "record");
  const RecordedTrainingOptions training_with = recorded_options(options, data.train.size());
  fmt::print("Training {}: {} parameters on {}, {} of {}\n", options.model, parameter_count(*model),
             counted(data.train.size(), "sample"), counted(training_with.steps, "step"),
             training_with.batch);
  std::fflush(stdout);

  RecordedTraining training(*model, std::move(data), training_with,
                            {{"model", description}, {"revision", std::string(revision())}});
  Progress progress("train", training_with.steps);
  const auto begin = std::chrono::steady_clock::now();
  int64_t shown = 0;
  const nlohmann::json ending = training.run(folder, resume, stop, [&](int64_t done, double loss) {
    claimed.require_held();
    progress.advance(done - std::exchange(shown, done), fmt::format("loss {:.3g}", loss));
  });
  progress.finish();
  if (training.stopped()) {
    fmt::print("\nStopped on request after step {}; what is recorded is in {}, --resume goes on\n",
               ending["steps"].get<int64_t>(), folder.string());
    return static_cast<int>(ExitCode::stopped);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("\nRecorded {} in {} (recording took {:.1f} % of it), {} in {}\n",
             counted(ending["steps"].get<int64_t>(), "step"), format_duration(took.count()),
             100 * training.recording_seconds() / took.count(), format_bytes(folder_bytes(folder)),
             folder.string());
  if (ending.contains("validation")) {
    fmt::print("Validation: loss {:.4g} nats, accuracy {:.1f} %\n",
               ending["validation"]["loss"].get<double>(),
               100 * ending["validation"]["accuracy"].get<double>());
  }
  return 0;
}

}  // namespace explaind
