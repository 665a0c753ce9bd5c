// explaind record --history: trains a model and leaves its whole history as a recorded run.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "app/output_claims.hpp"
#include "app/record_data.hpp"
#include "app/record_job.hpp"
#include "app/record_training.hpp"
#include "app/stop_signals.hpp"
#include "claims/own_folder.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"
#include "model/decoder.hpp"
#include "model/registry.hpp"
#include "runs/recorded_run.hpp"
#include "runs/run_block.hpp"
#include "runs/run_files.hpp"
#include "training/decayed_parameters.hpp"
#include "training/recorded_training.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

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

double folder_bytes(const fs::path& folder) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

}  // namespace

int record_run(const RecordOptions& options) {
  require_run_options(options);
  const fs::path folder = options.history;
  // Data and options are refused before anything is removed or written; text needs the folder.
  const bool text = dataset_of(options) == "text";
  const StopFlag& stop = stop_on_signals(run_stop_words, options.grace);
  TrainingData data = text ? TrainingData{} : load_data(options, stop);
  const DecayedParameters decayed =
      text
          ? decayed_parameters(options.decay_on, Decoder(read_decoder_config(
                                                     language_model_config(options), "--family")))
          : decayed_parameters(options.decay_on, *build_model(model_json(options, data), "record"));
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
  RecordedTrainingOptions training_with = recorded_options(options, data.train.size());
  training_with.decays = decayed.decays;
  fmt::print("Training {}: {} parameters on {}, {} of {}\n", options.model, parameter_count(*model),
             counted(data.train.size(), "sample"), counted(training_with.steps, "step"),
             training_with.batch);
  if (!decayed.words.empty()) fmt::print("{}\n", decayed.words);
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
