#pragma once
// What the files beside a tokenizer.json say of texts: tokenizer_config.json,
// special_tokens_map.json, added_tokens.json.

#include <filesystem>
#include <string>
#include <vector>

#include "tokenizers/added_tokens.hpp"

namespace explaind {

/// What a tokenizer.json does.
struct JsonFacts {
  const std::vector<AddedToken>* added;
  bool begins, ends;  ///< puts tokens before or after a sequence
  bool adds_blank;    ///< a blank before a text
  /// Types of its normalizers and pre-tokenizers, in order, those within sequences.
  std::vector<std::string> normalizers, pre_tokenizers;
};

struct JsonCompanions {
  bool special_are_text = false;       ///< split_special_tokens: "<s>" in a text is text
  std::vector<std::string> uncertain;  ///< named as tokens here, and not by tokenizer.json
  std::vector<std::string> notes;
};

/// transformers 5 takes the ends of a sequence from tokenizer.json alone. A key that says otherwise
/// is refused for the classes in which transformers 4 went by it, and noted for others. So is a
/// class that normalizes and cuts texts by a rule of its own in transformers 5. Throws DataError
/// where a file is broken, contradicts tokenizer.json, or names code of its own.
JsonCompanions read_json_companions(const std::filesystem::path& directory, const JsonFacts& facts);

}  // namespace explaind
