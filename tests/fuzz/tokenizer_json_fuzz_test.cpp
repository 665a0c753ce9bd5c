// Random damage to valid tokenizer.json files: they are refused with a DataError, or make tokens
// whose bytes lie inside the text. Deterministic: the same seed, the same mutations.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "tokenizers/tokenizer.hpp"
#include "unit/temporary_folder.hpp"
#include "unit/tokenizers/small_tokenizers.hpp"

namespace explaind {
namespace {

using nlohmann::json;
using TokenizerRandom = std::mt19937_64;

size_t one_of(TokenizerRandom& random, size_t count) {
  return static_cast<size_t>(random() % count);  // the bias does not matter here
}

/// A value within `root`, at any depth, with the object or list that holds it.
struct Place {
  json* holder;
  std::string key;
  size_t index;
  [[nodiscard]] json& value() const {
    return holder->is_object() ? (*holder)[key] : (*holder)[index];
  }
};

Place any_place(json& root, TokenizerRandom& random) {
  json* at = &root;
  for (;;) {
    Place place{at, "", 0};
    if (at->is_object()) {
      auto each = at->begin();
      std::advance(each, static_cast<std::ptrdiff_t>(one_of(random, at->size())));
      place.key = each.key();
    } else {
      place.index = one_of(random, at->size());
    }
    json& value = place.value();
    if (!value.is_structured() || value.empty() || one_of(random, 5) == 0) return place;
    at = &value;
  }
}

json any_value(TokenizerRandom& random) {
  static const std::vector<json> values{nullptr,
                                        true,
                                        false,
                                        0,
                                        1,
                                        -1,
                                        4294967295U,
                                        4294967296U,
                                        1e300,
                                        -0.5,
                                        "",
                                        " ",
                                        "a",
                                        json("\xC4\xA0"),
                                        "▁",
                                        "h e",
                                        "BPE",
                                        "Unigram",
                                        "Sequence",
                                        "NFKD",
                                        "Replace",
                                        "Strip",
                                        "Lowercase",
                                        "ByteLevel",
                                        "Metaspace",
                                        "Digits",
                                        "Whitespace",
                                        "Punctuation",
                                        "Removed",
                                        "MergedWithNext",
                                        "first",
                                        "never",
                                        "(",
                                        "[a-",
                                        "(?<=a)",
                                        R"(\p{L}+|\s)",
                                        R"(\p{X})",
                                        "(a*)*b",
                                        "(?i:s)|.",
                                        "^",
                                        R"(\b)",
                                        "a{9,1}",
                                        json::array(),
                                        json::object(),
                                        json::array({"a", "b"}),
                                        {{"type", "NFC"}},
                                        {{"String", "l"}},
                                        {{"Regex", "l*"}}};
  return values[one_of(random, values.size())];
}

void damage(json& root, TokenizerRandom& random) {
  Place place = any_place(root, random);
  switch (one_of(random, 5)) {
    case 0:
      if (place.holder->is_object()) {
        place.holder->erase(place.key);
      } else {
        place.holder->erase(place.index);
      }
      break;
    case 1:
      place.value() = place.value().is_array() ? json::array({place.value()}) : any_value(random);
      break;
    case 2: {
      const json copy = any_place(root, random).value();
      place.value() = copy;
      break;
    }
    case 3:
      if (place.holder->is_object()) {
        const json moved = place.value();
        place.holder->erase(place.key);
        (*place.holder)[place.key + "x"] = moved;
      } else {
        place.holder->push_back(place.value());
      }
      break;
    default:
      place.value() = any_value(random);
  }
}

std::string damaged_bytes(std::string text, TokenizerRandom& random) {
  for (size_t i = 1 + one_of(random, 3); i > 0; --i) {
    const size_t at = one_of(random, text.size());
    switch (one_of(random, 3)) {
      case 0:
        text[at] = static_cast<char>(random() & 0xffU);
        break;
      case 1:
        text.erase(at, 1 + one_of(random, 20));
        break;
      default:
        text.insert(at, std::vector<std::string>{"{", "[", "\"", "9", "\\ud800", "\xff",
                                                 ","}[one_of(random, 7)]);
    }
    if (text.empty()) return text;
  }
  return text;
}

/// Whether the file was read; a failure of the test where it is neither read nor refused.
bool reads(const testing::TemporaryFolder& folder, const std::string& content) {
  std::ofstream(folder / "tokenizer.json") << content;
  static const std::vector<std::string> texts{"",
                                              "hello world",
                                              "ab abb  \n\tb",
                                              "he\u0301llo EXTRA<s> 1 é漢😀",
                                              std::string("\0a", 2),
                                              "<unk>▁ab▁",
                                              std::string(300, 'l')};
  try {
    const auto tokenizer = open_tokenizer(folder.path());
    for (const std::string& text : texts) {
      for (const Tokenizer::Piece& piece : tokenizer->encode(text)) {
        EXPECT_LE(piece.begin, piece.end) << content;
        EXPECT_LE(piece.end, text.size()) << content;
        EXPECT_GE(piece.id, 0) << content;
      }
    }
    return true;
  } catch (const DataError&) {
    return false;
  }
}

TEST(TokenizerJson, DamageIsRefusedOrMakesTokensOfTheText) {
  const testing::TemporaryFolder folder;
  TokenizerRandom random(20261128);
  size_t read = 0, refused = 0;
  for (const json& valid :
       {testing::byte_level_bpe(), testing::blank_marks_bpe(), testing::unigram()}) {
    ASSERT_TRUE(reads(folder, valid.dump()));
    for (int round = 0; round < 700; ++round) {
      json changed = valid;
      json& target = one_of(random, 3) == 0 ? changed["model"] : changed;
      for (size_t i = 1 + one_of(random, 2); i > 0 && !target.empty() && target.is_structured();
           --i) {
        damage(target, random);
      }
      std::string content = changed.dump(-1, ' ', false, json::error_handler_t::replace);
      if (one_of(random, 4) == 0) content = damaged_bytes(std::move(content), random);
      (reads(folder, content) ? read : refused) += 1;
    }
  }
  EXPECT_GT(read, 100U);
  EXPECT_GT(refused, 800U);
}

}  // namespace
}  // namespace explaind
