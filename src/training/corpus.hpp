#pragma once
// Text files as one stream of tokens.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/stop_flag.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// The text files of a list of files and directories (their *.txt), sorted by name within a
/// directory. Throws DataError: missing, none.
std::vector<std::filesystem::path> text_files(const std::vector<std::filesystem::path>& paths);

/// Every non-empty line of every file as a sequence of its own, begun with the tokenizer's
/// beginning-of-sequence id, joined in order. Throws DataError for a file that is not UTF-8, naming
/// file and line.
std::vector<int64_t> token_stream(const std::vector<std::filesystem::path>& files,
                                  const Tokenizer& tokenizer);

struct TokenizerTraining {
  int64_t vocabulary = 2000;
  uint64_t seed = 0;
  int threads = 1;
};

/// Trains a SentencePiece BPE model with byte fallback (ids: unk 0, bos 1, eos 2) by the program
/// spm_train; writes `model`. Throws DataError with the program's last lines where it fails, and
/// where it is not installed; StopRequested where it was ended by a stop.
void train_tokenizer(const std::vector<std::filesystem::path>& files,
                     const std::filesystem::path& model, const TokenizerTraining& options,
                     const StopFlag& stop);

}  // namespace explaind
