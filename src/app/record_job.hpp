#pragma once
// The two things that `explaind record` leaves: a series of checkpoints, or a recorded run.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/record_options.hpp"
#include "core/stop_flag.hpp"

namespace explaind {

/// Trains a language model and leaves checkpoints.
int record_series(const RecordOptions& options);

/// Trains any of the models and leaves its whole history.
int record_run(const RecordOptions& options);

/// config.json of the language model of the options, without dtype and token ids. Throws UsageError
/// where sizes do not fit each other or the family.
nlohmann::json language_model_config(const RecordOptions& options);

/// Trains the tokenizer of the options in a folder of this process's own in `parent`, hidden, so
/// that listings of a series leave it out; its tokenizer.model. Who has used it removes the folder.
std::filesystem::path make_tokenizer(const std::vector<std::filesystem::path>& text,
                                     const std::filesystem::path& parent,
                                     const RecordOptions& options, const StopFlag& stop);

}  // namespace explaind
