#pragma once
// Prediction samples: token ids with labels, from a JSON Lines file.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

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

  /// Tokens predicted: labels[t] ≠ −100 for t ≥ 1.
  [[nodiscard]] int64_t predicted() const;
};

/// Text → token ids. Implementations own their model.
class Tokenizer {
 public:
  struct Piece {
    int64_t id;
    size_t begin, end;  ///< byte range of the text that the token covers
  };
  virtual ~Tokenizer() = default;
  /// Without special tokens.
  [[nodiscard]] virtual std::vector<Piece> encode(const std::string& text) const = 0;
  /// The beginning-of-sequence id to prepend, −1 for none, as the tokenizer's config says.
  [[nodiscard]] virtual int64_t bos() const = 0;
};

/// Opens DIRECTORY/tokenizer.model (SentencePiece) with tokenizer_config.json's add_bos_token and
/// special ids where present. Throws DataError, naming the way out (token ids), where the
/// directory's tokenizer is not SentencePiece.
std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& directory);

struct SampleOptions {
  int64_t vocabulary = 0;  ///< ids must be below
  int64_t max_length = 0;  ///< tokens; longer samples are an error, or cut with `truncate`
  bool truncate = false;
  std::filesystem::path tokenizer_directory;  ///< opened only when a sample has `text`
};

/// Reads the whole file; throws DataError with file and line for: broken JSON, unknown key, missing
/// input, id not unique, a token out of range, over-long, empty, nothing to predict, labels of
/// another length.
std::vector<Sample> load_samples(const std::filesystem::path& file, const SampleOptions& options);

/// The distinct groups in order of first appearance, and each sample's index into them.
struct Groups {
  std::vector<std::string> names;
  std::vector<int64_t> of_sample;
};
Groups group_samples(const std::vector<Sample>& samples);

}  // namespace explaind
