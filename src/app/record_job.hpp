#pragma once
// The two things that `explaind record` leaves: a series of checkpoints, or a recorded run.

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/model_config.hpp"
#include "config/record_options.hpp"
#include "core/stop_flag.hpp"

namespace explaind {

/// Trains a language model and leaves checkpoints.
int record_series(const RecordOptions& options);

/// Trains any of the models and leaves its whole history.
int record_run(const RecordOptions& options);

/// The Llama-shaped model of the options. Throws UsageError where sizes do not fit each other.
ModelConfig llama_config(const RecordOptions& options);

/// Trains the tokenizer of the options in a folder of this process's own in `parent`, hidden, so
/// that listings of a series leave it out; its tokenizer.model. Who has used it removes the folder.
std::filesystem::path make_tokenizer(const std::vector<std::filesystem::path>& text,
                                     const std::filesystem::path& parent,
                                     const RecordOptions& options, const StopFlag& stop);

}  // namespace explaind
