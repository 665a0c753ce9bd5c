#pragma once
// tokenizer.json: what the tokenizers library ("fast" tokenizers) makes ids by, where it lies
// beside a tokenizer.model.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace explaind {

/// A token that the file puts at an end of each sequence.
struct PlacedToken {
  std::string text;
  int64_t id = 0;
};

struct TokenizerJson {
  std::string path;
  std::map<std::string, int64_t> added;  ///< texts that are one token wherever they stand
  std::set<std::string> special;         ///< those of them that are special
  std::optional<PlacedToken> first, last;
  /// Whether a text is given a blank at its beginning; nothing where the file does not show it.
  std::optional<bool> prefix_space;
  std::unordered_map<std::string, int64_t> vocabulary;
};

/// Nothing where there is no tokenizer.json. Throws DataError where the file cannot be read, or
/// changes texts or places tokens in a way that a tokenizer.model alone does not.
std::optional<TokenizerJson> read_tokenizer_json(const std::filesystem::path& directory);

}  // namespace explaind
