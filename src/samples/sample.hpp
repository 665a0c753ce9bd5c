#pragma once
// Prediction samples: token ids with labels, from a file.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.hpp"

namespace explaind {

/// A label that asks for no prediction.
inline constexpr int64_t ignored_label = -100;

/// labels[t] is what position t−1 predicts, as in Hugging Face (aligned with input_ids, shifted
/// inside the loss); −100 ignored.
/// Of a classifier the one "token" is the sample's place in the data of its run.
struct Sample {
  std::string id;
  std::string group;
  std::vector<int64_t> input_ids;  ///< T
  std::vector<int64_t> labels;     ///< T
  /// Of a minimal pair the sentence that this one is compared with, and of other samples none.
  std::vector<Sample> against = {};

  /// Tokens predicted: labels[t] ≠ −100 for t ≥ 1. Of a pair those of this sentence.
  [[nodiscard]] int64_t predicted() const;
  /// Tokens that a model reads, of a pair those of both sentences.
  [[nodiscard]] int64_t tokens() const;
};

struct SampleOptions {
  int64_t vocabulary = 0;  ///< ids must be below
  int64_t max_length = 0;  ///< tokens; longer samples are an error, or cut with `truncate`
  bool truncate = false;
  std::filesystem::path tokenizer_directory;  ///< opened only when a sample is a text
  int64_t window =
      0;  ///< tokens, at most max_length; longer samples are cut (windows.hpp). 0: none
  int64_t stride = 0;  ///< tokens between the beginnings of windows, 1 to `window`
  bool pairs = true;   ///< minimal pairs may stand there
};

/// Reads the whole file. Known keys are id, group, and one of text; prompt with completion, the
/// only one of the two that is predicted; good with bad (or sentence_good with sentence_bad), the
/// sentences of a minimal pair, as texts or token ids; and input_ids with labels and attention_mask
/// (ones; zeros at an end are padding, and cut). A file has pairs alone, or none. Others are
/// ignored unless they would change what is predicted (sample_columns.hpp). What was ignored and
/// cut is added to `notes`, a sentence each. A sample longer than `window` becomes several, with
/// the ids ID#0, ID#1, …
///
/// Throws DataError with file and line for: broken JSON, a key given twice or one that is not
/// obeyed, missing input, id not unique, a token out of range, over-long, empty, nothing to
/// predict, labels or a mask of another length, a special token in a text.
std::vector<Sample> load_samples(const std::filesystem::path& file, const SampleOptions& options,
                                 std::vector<std::string>* notes = nullptr);

/// The distinct groups in order of first appearance, and each sample's index into them.
struct Groups {
  std::vector<std::string> names;
  std::vector<int64_t> of_sample;
};
Groups group_samples(const std::vector<Sample>& samples);

}  // namespace explaind
