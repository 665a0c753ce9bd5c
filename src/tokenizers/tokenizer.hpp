#pragma once
// Texts to token ids: what a tokenizer offers, and how one is opened.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace explaind {

/// Text → token ids. Implementations own their model. Not for several threads at once.
class Tokenizer {
 public:
  struct Piece {
    int64_t id;
    size_t begin, end;  ///< byte range of the text that the token stands for
  };
  virtual ~Tokenizer() = default;
  /// Without the tokens that begin and end a sequence. `text` is UTF-8. Throws DataError where the
  /// model has no token for a part of it.
  [[nodiscard]] virtual std::vector<Piece> encode(const std::string& text) const = 0;
  /// The ids that begin a sequence, in order; mostly none, or the beginning of sequence.
  [[nodiscard]] virtual const std::vector<int64_t>& before() const = 0;
  /// The ids that end a sequence.
  [[nodiscard]] virtual const std::vector<int64_t>& after() const = 0;
  /// A special or added token whose text is written out in `text`, where what trained the model may
  /// have taken it whole and encode() does not.
  [[nodiscard]] virtual std::optional<std::string> special_token_in(
      const std::string& text) const = 0;
  /// The token's own text as its file has it ("Ġthe", "▁the"); empty where there is none.
  [[nodiscard]] virtual std::string piece(int64_t id) const = 0;
  /// The file that it is read from, and of which kind it is.
  [[nodiscard]] virtual std::string description() const = 0;
  /// What a user should know: files that say otherwise, settings that are not applied. A sentence
  /// each, without its full stop.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

/// "begins with <s> (1), no end": the tokens that every text gets at its ends.
std::string ends_of_sequences(const Tokenizer& tokenizer);

/// Opens the tokenizer of a folder: tokenizer.json where there is one, as transformers does, else
/// tokenizer.model (SentencePiece) as the files beside it say (sentencepiece_config.hpp). Throws
/// DataError, naming the way out (token ids), where there is neither, or one that does what is not
/// obeyed.
std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& directory);

}  // namespace explaind
