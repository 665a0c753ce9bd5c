#pragma once
// Unicode normal forms as the tokenizers library makes them, whose tables are of an older Unicode
// than those of its patterns (unicode_tables.py).

#include <string_view>
#include <vector>

namespace explaind {

struct NormalForm {
  bool compatible;  ///< NFKC, NFKD
  bool composed;    ///< NFC, NFKC
};

/// A character of the result, and the characters that it was made of (indices, last included).
struct NormalCharacter {
  char32_t point;
  size_t first, last;
};

/// Whether a text stays as it is for certain; false where it has to be looked at.
bool surely_normal(const std::vector<char32_t>& text, NormalForm form);

std::vector<NormalCharacter> normalized(const std::vector<char32_t>& text, NormalForm form);

}  // namespace explaind
