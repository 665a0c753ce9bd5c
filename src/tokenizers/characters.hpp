#pragma once
// Unicode characters in UTF-8, and what the tokenizers library takes each of them for
// (unicode_tables.py asks it).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace explaind {

/// General categories, in the order of unicode_tables.py.
// clang-format off
enum class Category : uint8_t {
  Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No, Pc, Pd, Ps, Pe,
  Pi, Pf, Po, Sm, Sc, Sk, So, Zs, Zl, Zp, Cc, Cf, Co, Cn
};
// clang-format on

struct CharacterRange {
  char32_t first, last;
};

/// A character and its length in bytes. Bytes that are no UTF-8 are U+FFFD each.
struct Decoded {
  char32_t point;
  size_t size;
};
Decoded decode(std::string_view text, size_t at);
/// The last character of a text that is not empty.
Decoded decode_last(std::string_view text);
void append_character(char32_t point, std::string& text);
std::string character(char32_t point);

/// Things that a character may be, as bits.
enum : uint8_t {
  white_space_bit = 1,
  numeral_bit = 2,      ///< a digit to Digits
  regex_word_bit = 4,   ///< a letter of a word to Whitespace, and beside added tokens
  punctuation_bit = 8,  ///< to Punctuation
  accent_bit = 16,      ///< what StripAccents takes away
};
[[nodiscard]] bool is(char32_t point, uint8_t bit);

/// The runs of code points of some general categories, ascending.
std::vector<CharacterRange> points_of(const std::vector<Category>& categories);
/// What \w matches in patterns, and what it matches inside [ ], which is a little less.
std::vector<CharacterRange> pattern_word_points(bool in_class);
/// What \s matches.
std::vector<CharacterRange> white_space_points();

/// In lower case; one character may become two.
void append_lower(char32_t point, std::string& text);

}  // namespace explaind
