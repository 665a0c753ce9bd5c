#pragma once
// What cuts a text into words: the pre-tokenizers of tokenizer.json.

#include <memory>
#include <vector>

#include "tokenizers/json_part.hpp"
#include "tokenizers/pieces.hpp"

namespace explaind {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(Pieces& pieces) const = 0;
};

/// The steps of a pre-tokenizer, in order.
struct PreTokenization {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  /// At the end each byte becomes its character of the byte alphabet; words are cut in bytes.
  bool byte_alphabet = false;
};

/// Throws DataError naming a pre-tokenizer that is not obeyed. No steps where `part` is null.
PreTokenization read_pre_tokenizer(const JsonPart& part);

}  // namespace explaind
