// tokenizer.json: tokens and the bytes that they stand for, by hand; what is refused, by name.

#include "tokenizers/json_tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "unit/temporary_folder.hpp"
#include "unit/tokenizers/small_tokenizers.hpp"

namespace explaind {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class JsonTokenizers : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Tokenizer> open(const json& file) const {
    std::ofstream(folder_ / "tokenizer.json") << file.dump();
    return open_tokenizer(folder_.path());
  }
  /// Each token with its bytes of the text.
  static std::vector<std::pair<int64_t, std::string>> tokens(const Tokenizer& tokenizer,
                                                             const std::string& text) {
    std::vector<std::pair<int64_t, std::string>> found;
    for (const auto& [id, begin, end] : tokenizer.encode(text)) {
      found.emplace_back(id, text.substr(begin, end - begin));
    }
    return found;
  }
  void refused(const json& file, const std::string& words) const {
    EXPECT_THAT([&] { static_cast<void>(open(file)); },
                ThrowsMessage<DataError>(AllOf(HasSubstr("tokenizer.json: "), HasSubstr(words),
                                               HasSubstr("input_ids"),
                                               HasSubstr("AutoTokenizer.from_pretrained"))))
        << file.dump().substr(0, 500);
  }

  testing::TemporaryFolder folder_;
};

using Token = std::pair<int64_t, std::string>;

TEST_F(JsonTokenizers, BytesAreMergedInTheOrderInWhichMergesWereLearnt) {
  const auto tokenizer = open(testing::byte_level_bpe());
  EXPECT_THAT(tokens(*tokenizer, "hello wé1"),
              ElementsAre(Token{259, "hello"}, Token{260, " w"}, Token{0xC3, "\xC3"},
                          Token{0xA9, "\xA9"}, Token{'1', "1"}));
  EXPECT_THAT(tokens(*tokenizer, "ello"),
              ElementsAre(Token{'e', "e"}, Token{257, "ll"}, Token{'o', "o"}));
  EXPECT_THAT(tokenizer->before(), ElementsAre(262));
  EXPECT_TRUE(tokenizer->after().empty());
  EXPECT_EQ(tokenizer->piece(260), "Ġw");
  EXPECT_EQ(tokenizer->piece(262), "<s>");
  EXPECT_EQ(tokenizer->piece(999), "");
  EXPECT_EQ(ends_of_sequences(*tokenizer), "begins with <s> (262), no end of sequence");
}

TEST_F(JsonTokenizers, TokensOfATextCoverTheBytesThatTheyCameFrom) {
  const auto bytes = open(testing::byte_level_bpe());
  // e and a combining accent become one character, and its bytes both.
  EXPECT_THAT(tokens(*bytes, "he\u0301"),
              ElementsAre(Token{'h', "h"}, Token{0xC3, "e\u0301"}, Token{0xA9, "e\u0301"}));
  // Two marks come in the order of their classes.
  json apart = testing::byte_level_bpe();
  apart["normalizer"] = {{"type", "NFD"}};
  apart["pre_tokenizer"] = nullptr;
  apart["model"]["vocab"] = {{"e", 0}, {"\u0323\u0302", 1}, {"\u0323", 2}, {"\u0302", 3}};
  apart["model"]["merges"] = json::array({"\u0323 \u0302"});
  apart["added_tokens"] = json::array();
  EXPECT_THAT(tokens(*open(apart), "e\u0302\u0323"),
              ElementsAre(Token{0, "e"}, Token{1, "\u0302\u0323"}));
  EXPECT_THAT(tokens(*bytes, "EXTRAhe<s>"),
              ElementsAre(Token{263, "EXTRA"}, Token{256, "he"}, Token{262, "<s>"}));
  const auto marks = open(testing::blank_marks_bpe());
  EXPECT_THAT(tokens(*marks, "ab c"),
              ElementsAre(Token{263, "ab"}, Token{257, " "}, Token{'c' + 1, "c"}));
}

TEST_F(JsonTokenizers, AUnigramModelTakesTheSegmentationOfTheBestScore) {
  const auto tokenizer = open(testing::unigram());
  // ▁ab + b (−7.25) against ▁ + abb (−11) and ▁ + a + bb (−9.5); unknown characters join.
  EXPECT_THAT(tokens(*tokenizer, "abb xyab"),
              ElementsAre(Token{4, "ab"}, Token{3, "b"}, Token{1, " "}, Token{0, "xy"},
                          Token{2, "a"}, Token{3, "b"}));
}

TEST_F(JsonTokenizers, AnUnknownCharacterCostsTenMoreThanTheWorstPiece) {
  // zx (−9) against z and an unknown x (1 − 9 − 10).
  EXPECT_THAT(tokens(*open(testing::unigram()), "zx"), ElementsAre(Token{1, "z"}, Token{8, "zx"}));
}

TEST_F(JsonTokenizers, AWordsCacheChangesNothing) {
  const auto tokenizer = open(testing::byte_level_bpe());
  const auto first = tokens(*tokenizer, "hello hell he llo");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tokens(*tokenizer, "hello hell he llo"), first);
}

TEST_F(JsonTokenizers, LongWordsDoNotTakeTheSquareOfTheirLength) {
  const auto tokenizer = open(testing::byte_level_bpe());
  std::string word;
  for (int i = 0; i < 200000; ++i) word += "hel";
  EXPECT_EQ(tokenizer->encode(word).size(), 400000U);
}

TEST_F(JsonTokenizers, WhatIsNotCoveredIsRefusedByName) {
  const json valid = testing::byte_level_bpe();
  const auto changed = [&](const char* pointer, const json& value) {
    json file = valid;
    file[json::json_pointer(pointer)] = value;
    return file;
  };
  const char* split = "/pre_tokenizer/pretokenizers/0/pattern";
  refused(changed("/version", "2.0"), "version is not 1.0");
  refused(changed("/more", 1), "more is a key that is not known");
  refused(changed("/model/type", "WordPiece"), "\"WordPiece\", which is not covered");
  refused(changed("/model/dropout", 0.1), "model.dropout makes tokens by chance");
  refused(changed("/model/more", 1), "model.more is a key that is not known");
  refused(changed("/model/vocab/he", 5), "gives the id 5 to \"he\" and to");
  refused(changed("/model/vocab/he", -5), "model.vocab.he must be the id of a token, not -5");
  refused(changed("/model/vocab/he", 4294967296U), "must be the id of a token, not 4294967296");
  refused(changed("/model/merges/1", "l x"), "model.merges[1] names \"lx\", which is no piece");
  refused(changed("/model/merges/1", "l"), "model.merges[1] is no pair");
  refused(changed("/model/merges/1", json::array({"l", 1})), "model.merges[1] is no pair");
  refused(changed("/added_tokens/0/id", 300),
          "added_tokens[0] has the id 300, and the tokenizers library gives \"<s>\" the id 262");
  refused(changed("/added_tokens/1/content", "<s>"), "adds \"<s>\" a second time");
  refused(changed("/normalizer/normalizers/0/type", "Precompiled"), "\"Precompiled\", which is");
  refused(changed("/pre_tokenizer/pretokenizers/1/type", "BertPreTokenizer"), "is not covered");
  refused(changed("/pre_tokenizer/pretokenizers/0/behavior", "Joined"), "\"Joined\", which");
  refused(changed("/pre_tokenizer/pretokenizers/0/invert", nullptr),
          "pre_tokenizer.pretokenizers[0].invert must be true or false, not nothing");
  refused(changed(split, {{"Regex", "[a"}}), "pattern.Regex is broken: premature end");
  refused(changed(split, {{"Regex", R"(\p{Han}+)"}}), R"(holds \p{Han}, which is not covered)");
  refused(changed(split, {{"Regex", "[[:alpha:]]"}}), "holds [:…:], which is not covered");
  refused(changed(split, {{"Regex", "(?i:é)"}}), "beyond ASCII where case is ignored");
  refused(changed(split, {{"Regex", R"((?i)a\p{L})"}}), R"(\p{L} where case is ignored)");
  refused(changed(split, {{"Regex", "(?x: a)"}}), "holds (?x, which is not covered");
  refused(changed(split, {{"String", ""}}), "is empty");
  refused(changed("/post_processor/type", "Other"), "\"Other\", which is not covered");
  refused(changed("/post_processor/special_tokens", json::object()), "\"<s>\", which has no ids");
  json deep = 1;
  for (int i = 0; i < 100; ++i) deep = json::array({deep});
  EXPECT_THAT([&] { static_cast<void>(open(changed("/decoder", deep))); },
              ThrowsMessage<DataError>(HasSubstr("is nested too deep")));
}

TEST_F(JsonTokenizers, APatternThatTakesTooLongIsAnErrorOfItsText) {
  json file = testing::byte_level_bpe();
  file["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {{"Regex", "(?:a|aa|a*)*$"}};
  const auto tokenizer = open(file);
  EXPECT_THAT([&] { static_cast<void>(tokenizer->encode(std::string(60, 'a') + "b")); },
              ThrowsMessage<DataError>(
                  AllOf(HasSubstr("pattern takes too long on a text"), HasSubstr("retry-limit"))));
}

TEST_F(JsonTokenizers, FilesBesideItAreComparedWithIt) {
  const auto with = [&](const json& config) {
    std::ofstream(folder_ / "tokenizer_config.json") << config.dump();
    return open(testing::byte_level_bpe());
  };
  EXPECT_THAT(
      [&] {
        with({{"tokenizer_class", "LlamaTokenizer"}, {"add_bos_token", false}});
      },
      ThrowsMessage<DataError>(HasSubstr("add_bos_token is false")));
  EXPECT_THAT(
      with({{"tokenizer_class", "PreTrainedTokenizerFast"}, {"add_bos_token", false}})->notes(),
      ElementsAre(HasSubstr("add_bos_token is false, and tokenizer.json puts a token")));
  EXPECT_THAT(with({{"tokenizer_class", "GPT2TokenizerFast"}})->notes(),
              ElementsAre(HasSubstr("may cut texts by ByteLevel in place of tokenizer.json's NFC, "
                                    "Split, ByteLevel")));
  EXPECT_THAT(with({{"tokenizer_class", "Qwen2Tokenizer"}})->notes(), ::testing::IsEmpty());
  EXPECT_THAT(
      [&] {
        with({{"add_prefix_space", true}});
      },
      ThrowsMessage<DataError>(HasSubstr("add_prefix_space is true")));
  EXPECT_THAT(
      [&] {
        with({{"auto_map", {{"AutoTokenizer", {"a.B", nullptr}}}}});
      },
      ThrowsMessage<DataError>(HasSubstr("code of its own")));
  EXPECT_THAT(
      [&] {
        with({{"added_tokens_decoder", {{"7", {{"content", "<s>"}}}}}});
      },
      ThrowsMessage<DataError>(HasSubstr("two ids, 7 here and 262")));
  const auto more = with({{"pad_token", "<pad>"}, {"bos_token", {{"content", "<s>"}}}});
  EXPECT_EQ(more->special_token_in("a <pad> b"), "<pad>");
  EXPECT_EQ(more->special_token_in("a <s> b"), std::nullopt);
  EXPECT_THAT(tokens(*with({{"split_special_tokens", true}}), "<s>"),
              ElementsAre(Token{'<', "<"}, Token{'s', "s"}, Token{'>', ">"}));
}

}  // namespace
}  // namespace explaind
