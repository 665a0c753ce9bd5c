#include "tokenizers/characters.hpp"

#include <algorithm>
#include <iterator>

namespace explaind {
namespace {

using enum Category;
struct CategoryStart {
  char32_t first;
  Category category;
};
using Range = CharacterRange;
struct LowerRun {
  char32_t first, last;
  int32_t step, added;
};
#include "tokenizers/unicode_classes.inc"

constexpr char32_t points = 0x110000;

/// What is() looks up, a byte a code point.
const std::vector<uint8_t>& bits() {
  static const std::vector<uint8_t> table = [] {
    std::vector<uint8_t> made(points);
    const auto set = [&](const auto& ranges, uint8_t bit) {
      for (const Range& range : ranges) {
        for (char32_t c = range.first; c <= range.last; ++c) made[c] |= bit;
      }
    };
    set(white_space, white_space_bit);
    set(numerals, numeral_bit);
    set(regex_words, regex_word_bit);
    set(punctuation, punctuation_bit);
    set(accents, accent_bit);
    return made;
  }();
  return table;
}

constexpr Decoded broken{0xFFFD, 1};

}  // namespace

Decoded decode(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80U) return {lead, 1};
  const size_t size = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC0U || lead > 0xF7U || at + size > text.size()) return broken;
  char32_t point = lead & (0xFFU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    const unsigned next = byte(at + i);
    if ((next & 0xC0U) != 0x80U) return broken;
    point = point << 6 | (next & 0x3FU);
  }
  return point < points ? Decoded{point, size} : broken;
}

Decoded decode_last(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
    --at;
  return decode(text, at);
}

void append_character(char32_t point, std::string& text) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

std::string character(char32_t point) {
  std::string text;
  append_character(point, text);
  return text;
}

bool is(char32_t point, uint8_t bit) { return (bits()[point] & bit) != 0; }

std::vector<CharacterRange> points_of(const std::vector<Category>& categories) {
  std::vector<CharacterRange> found;
  for (size_t i = 0; i < std::size(category_starts); ++i) {
    const CategoryStart& run = category_starts[i];
    if (std::find(categories.begin(), categories.end(), run.category) == categories.end()) continue;
    const char32_t end = i + 1 < std::size(category_starts) ? category_starts[i + 1].first : points;
    if (!found.empty() && found.back().last + 1 == run.first) {
      found.back().last = end - 1;
    } else {
      found.push_back({run.first, end - 1});
    }
  }
  return found;
}

std::vector<CharacterRange> pattern_word_points(bool in_class) {
  if (in_class) return {std::begin(pattern_words_of_classes), std::end(pattern_words_of_classes)};
  return {std::begin(pattern_words), std::end(pattern_words)};
}

std::vector<CharacterRange> white_space_points() {
  return {std::begin(white_space), std::end(white_space)};
}

void append_lower(char32_t point, std::string& text) {
  constexpr char32_t dotted_capital_i = 0x130, dot_above = 0x307;
  if (point == dotted_capital_i) {
    text += 'i';
    append_character(dot_above, text);
    return;
  }
  const auto* after =
      std::upper_bound(std::begin(lower_runs), std::end(lower_runs), point,
                       [](char32_t value, const LowerRun& run) { return value < run.first; });
  // Runs with a distance of two may lie inside one another.
  for (const auto* run = after; run != std::begin(lower_runs) && after - run < 3;) {
    --run;
    if (point <= run->last && (point - run->first) % static_cast<char32_t>(run->step) == 0) {
      append_character(static_cast<char32_t>(static_cast<int32_t>(point) + run->added), text);
      return;
    }
  }
  append_character(point, text);
}

}  // namespace explaind
