#include "tokenizers/normal_forms.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>

namespace explaind {
namespace {

struct CombiningClass {
  char32_t first, last;
  int value;
};
#include "tokenizers/unicode_normal_forms.inc"

constexpr char32_t hangul = 0xAC00, lead = 0x1100, vowel = 0x1161, trail = 0x11A7;
constexpr char32_t leads = 19, vowels = 21, trails = 28, syllables = leads * vowels * trails;

struct Tables {
  std::unordered_map<char32_t, std::vector<char32_t>> canonical, compatible;
  std::unordered_map<uint64_t, char32_t> pairs;
  std::vector<uint8_t> classes = std::vector<uint8_t>(0x110000);
  std::vector<bool> second = std::vector<bool>(0x110000);   ///< may join the one before it
  std::vector<bool> whole = std::vector<bool>(0x110000);    ///< what a pair makes
  std::vector<bool> differs = std::vector<bool>(0x110000);  ///< compatible is not canonical

  Tables() {
    const auto read = [](const char* text, auto keep) {
      for (char* at = const_cast<char*>(text); *at != '\0';) {
        std::vector<char32_t> left, right;
        std::vector<char32_t>* side = &left;
        while (*at != ' ' && *at != '\0') {
          side->push_back(static_cast<char32_t>(std::strtoul(at, &at, 16)));
          if (*at == ':') side = &right;
          if (*at != ' ' && *at != '\0') ++at;
        }
        if (*at == ' ') ++at;
        keep(left, right);
      }
    };
    read(canonical_decompositions,
         [&](const auto& one, const auto& parts) { canonical[one[0]] = parts; });
    compatible = canonical;
    read(compatible_decompositions, [&](const auto& one, const auto& parts) {
      compatible[one[0]] = parts;
      differs[one[0]] = true;
    });
    read(compositions, [&](const auto& two, const auto& one) {
      pairs[uint64_t{two[0]} << 32 | two[1]] = one[0];
      second[two[1]] = true;
      whole[one[0]] = true;
    });
    for (char32_t c = vowel; c < trail + trails; ++c) second[c] = true;
    for (const CombiningClass& run : combining_classes) {
      for (char32_t c = run.first; c <= run.last; ++c) classes[c] = static_cast<uint8_t>(run.value);
    }
  }
};

const Tables& tables() {
  static const Tables made;
  return made;
}

/// The character that two make; 0 where they make none.
char32_t joined(char32_t a, char32_t b) {
  if (a >= lead && a < lead + leads && b >= vowel && b < vowel + vowels) {
    return hangul + ((a - lead) * vowels + (b - vowel)) * trails;
  }
  if (a >= hangul && a < hangul + syllables && (a - hangul) % trails == 0 && b > trail &&
      b < trail + trails) {
    return a + (b - trail);
  }
  const auto found = tables().pairs.find(uint64_t{a} << 32 | b);
  return found == tables().pairs.end() ? 0 : found->second;
}

std::vector<NormalCharacter> decomposed(const std::vector<char32_t>& text, bool compatible) {
  const auto& map = compatible ? tables().compatible : tables().canonical;
  std::vector<NormalCharacter> out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c >= hangul && c < hangul + syllables) {
      const char32_t s = c - hangul;
      out.push_back({lead + s / (vowels * trails), i, i});
      out.push_back({vowel + s % (vowels * trails) / trails, i, i});
      if (s % trails != 0) out.push_back({trail + s % trails, i, i});
      continue;
    }
    const auto parts = map.find(c);
    if (parts == map.end()) {
      out.push_back({c, i, i});
    } else {
      for (const char32_t part : parts->second) out.push_back({part, i, i});
    }
  }
  // Marks after one another come in the order of their classes.
  for (size_t i = 0; i < out.size();) {
    size_t end = i;
    while (end < out.size() && tables().classes[out[end].point] != 0) ++end;
    std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(i),
                     out.begin() + static_cast<std::ptrdiff_t>(end),
                     [](const NormalCharacter& a, const NormalCharacter& b) {
                       return tables().classes[a.point] < tables().classes[b.point];
                     });
    i = std::max(end, i + 1);
  }
  return out;
}

}  // namespace

bool surely_normal(const std::vector<char32_t>& text, NormalForm form) {
  const Tables& known = tables();
  const auto& map = form.compatible ? known.compatible : known.canonical;
  return std::none_of(text.begin(), text.end(), [&](char32_t c) {
    if (c < 0x80) return false;
    if (known.classes[c] != 0 || known.second[c]) return true;
    if (!form.composed && c >= hangul && c < hangul + syllables) return true;
    if (map.find(c) == map.end()) return false;
    return !form.composed || !known.whole[c] || (form.compatible && known.differs[c]);
  });
}

std::vector<NormalCharacter> normalized(const std::vector<char32_t>& text, NormalForm form) {
  std::vector<NormalCharacter> parts = decomposed(text, form.compatible);
  if (!form.composed) return parts;
  std::vector<NormalCharacter> out;
  size_t starter = SIZE_MAX;  // in `out`
  int before = -1;            // class of the last mark that was kept after the starter
  for (const NormalCharacter& next : parts) {
    const int value = tables().classes[next.point];
    if (starter != SIZE_MAX && before < value) {
      if (const char32_t one = joined(out[starter].point, next.point); one != 0) {
        out[starter] = {one, std::min(out[starter].first, next.first),
                        std::max(out[starter].last, next.last)};
        continue;
      }
    }
    out.push_back(next);
    if (value == 0) {
      starter = out.size() - 1;
      before = -1;
    } else {
      before = value;
    }
  }
  return out;
}

}  // namespace explaind
