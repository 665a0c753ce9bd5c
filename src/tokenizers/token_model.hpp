#pragma once
// What makes tokens of a word: the model of tokenizer.json.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/json_part.hpp"

namespace explaind {

/// A token and the bytes of its word that it stands for.
struct WordToken {
  int64_t id;
  uint32_t size;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends a word's tokens, in order. Throws DataError where it has no token for a part of it.
  virtual void encode(std::string_view word, std::vector<WordToken>& tokens) const = 0;
  [[nodiscard]] virtual std::optional<int64_t> id_of(const std::string& piece) const = 0;
  [[nodiscard]] virtual std::string piece(int64_t id) const = 0;  ///< empty where there is none
  [[nodiscard]] virtual size_t size() const = 0;                  ///< pieces
  [[nodiscard]] virtual std::string name() const = 0;             ///< "BPE"
};

/// Throws DataError where it is a model of another kind, or broken.
std::unique_ptr<TokenModel> read_model(const JsonPart& part);
std::unique_ptr<TokenModel> read_bpe(const JsonPart& part);
std::unique_ptr<TokenModel> read_unigram(const JsonPart& part);

/// "<0x0A>": the piece of a byte, where models fall back on bytes.
std::string byte_piece(unsigned char byte);

}  // namespace explaind
