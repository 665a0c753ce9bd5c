#pragma once
// What the files beside a tokenizer.model say: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace explaind {

/// A token by its text; the id where a file gives one, else it is a piece of the model.
struct NamedToken {
  std::string text;
  std::optional<int64_t> id;
};

struct SentencePieceConfig {
  /// Nothing where no file says it: then Llama's tokenizers begin a sequence and do not end it.
  std::optional<bool> add_bos, add_eos;
  std::optional<bool> prefix_space;      ///< add_prefix_space; the model's own way where not given
  std::optional<NamedToken> bos, eos;    ///< the model's own where not given
  bool without_bos = false;              ///< bos_token is null: there is none
  bool without_eos = false;              ///< eos_token is null
  std::vector<std::string> taken_whole;  ///< texts that are one token wherever they stand, sorted
  bool special_are_text = false;         ///< split_special_tokens: "<s>" in a text is text
};

/// Every key is obeyed, or known to have no part in making ids (padding, lengths, chat templates,
/// how ids become text), or refused by name. Throws DataError naming file and key: a class of
/// tokenizer that does more than SentencePiece, a key that is not known, a value of another type,
/// two files that differ.
SentencePieceConfig read_sentencepiece_config(const std::filesystem::path& directory);

}  // namespace explaind
