#pragma once
// Tokens that are taken whole wherever they stand in a text: the added_tokens of tokenizer.json.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/json_part.hpp"
#include "tokenizers/normalizers.hpp"
#include "tokenizers/pieces.hpp"

namespace explaind {

struct AddedToken {
  std::string text;
  int64_t id = 0;
  bool single_word = false;  ///< not where a letter of a word stands beside it
  bool takes_blanks_before = false, takes_blanks_after = false;  ///< lstrip, rstrip
  bool after_normalizer = false;  ///< normalized: looked for in the normalized text
  bool special = false;
};

/// Texts that are looked for together, the longest at the first place where one begins.
class TextFinder {
 public:
  /// Of two equal texts the first one is found.
  void add(std::string_view text, size_t value);
  struct Found {
    size_t begin, end, value;
  };
  /// The first one at or after `from`.
  [[nodiscard]] std::optional<Found> find(std::string_view text, size_t from) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, size_t>> next;  ///< sorted by byte
    std::optional<size_t> value;
  };
  std::vector<Node> nodes_{1};
  std::vector<size_t> first_ = std::vector<size_t>(256);  ///< node after a first byte; 0: none
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// `model_id`: the model's id of a text, and `model_size` how many pieces it has. Throws
  /// DataError where an id of the file is not the one that the tokenizers library gives.
  AddedTokens(const JsonPart& list, const Normalizer* normalizer,
              const std::function<std::optional<int64_t>(const std::string&)>& model_id,
              size_t model_size);

  /// Special tokens in a text are text (split_special_tokens).
  void take_special_tokens_as_text() { special_is_text_ = true; }

  /// A text with its added tokens found and all else normalized.
  [[nodiscard]] Pieces extract(const std::string& text, const Normalizer* normalizer) const;

  [[nodiscard]] const std::vector<AddedToken>& all() const { return tokens_; }

 private:
  [[nodiscard]] std::vector<Pieces::TokenPart> parts(std::string_view text,
                                                     const TextFinder& finder) const;

  std::vector<AddedToken> tokens_;
  TextFinder as_written_, normalized_;
  bool any_normalized_ = false;
  bool special_is_text_ = false;
};

}  // namespace explaind
