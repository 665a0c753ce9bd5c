#pragma once
// The two things that `explaind record` leaves: a series of checkpoints, or a recorded run.

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/model_config.hpp"
#include "config/record_options.hpp"

namespace explaind {

/// Trains a language model and leaves checkpoints.
int record_series(const RecordOptions& options);

/// Trains any of the models and leaves its whole history.
int record_run(const RecordOptions& options);

/// The Llama-shaped model of the options. Throws UsageError where sizes do not fit each other.
ModelConfig llama_config(const RecordOptions& options);

/// Hidden, so that listings of a series leave it out.
inline constexpr const char* tokenizer_folder = ".tokenizer";

/// Trains the tokenizer of the options in a hidden folder of `parent`; its tokenizer.model.
std::filesystem::path make_tokenizer(const std::vector<std::filesystem::path>& text,
                                     const std::filesystem::path& parent,
                                     const RecordOptions& options);

/// An empty folder to train into. What was there goes only with `overwrite`, and only where
/// `ours` knows every name in it. what: "series" or "run", for messages. Throws DataError.
void prepare_folder(const std::filesystem::path& folder, bool overwrite, const std::string& what,
                    bool (*ours)(const std::string& name));

}  // namespace explaind
