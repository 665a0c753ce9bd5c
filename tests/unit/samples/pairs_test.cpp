// Minimal pairs: what is read of a row, and what becomes of two sentences in a micro-batch.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "samples/batch.hpp"
#include "samples/sample.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Pairs : public ::testing::Test {
 protected:
  std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) /
      (std::string("pairs_") + ::testing::UnitTest::GetInstance()->current_test_info()->name() +
       ".jsonl");
  SampleOptions options{
      .vocabulary = 50, .max_length = 8, .truncate = false, .tokenizer_directory = {}};
  std::vector<std::string> notes;

  ~Pairs() override { std::filesystem::remove(file); }

  std::vector<Sample> load(const std::string& text) {
    std::ofstream(file) << text;
    return load_samples(file, options, &notes);
  }
  std::string refusal(const std::string& text) {
    try {
      load(text);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(Pairs, AreTwoSentencesOfOneSample) {
  const std::vector<Sample> pairs = load(
      "{\"id\": \"a\", \"group\": \"x\", \"good\": [3, 1, 4], \"bad\": [3, 1]}\n"
      "{\"sentence_good\": [5, 6], \"sentence_bad\": [5, 7, 8, 9], \"UID\": \"binding\"}\n"
      "{\"good\": [5, 6], \"bad\": [5, 6]}\n");
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[0].id, "a");
  EXPECT_EQ(pairs[0].group, "x");
  EXPECT_THAT(pairs[0].input_ids, ElementsAre(3, 1, 4));
  EXPECT_THAT(pairs[0].labels, ElementsAre(3, 1, 4));
  ASSERT_EQ(pairs[0].against.size(), 1U);
  EXPECT_THAT(pairs[0].against[0].input_ids, ElementsAre(3, 1));
  EXPECT_EQ(pairs[0].tokens(), 5);
  EXPECT_EQ(pairs[1].id, "2");
  EXPECT_THAT(pairs[1].against.at(0).labels, ElementsAre(5, 7, 8, 9));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("not used: UID"), HasSubstr("3 minimal pairs: F is"),
                                 HasSubstr("1 of them has the same tokens")));
}

TEST_F(Pairs, StandSideBySideWithOppositeWeights) {
  const std::vector<Sample> pairs = load(
      "{\"good\": [3, 1, 4], \"bad\": [3, 1]}\n"
      "{\"good\": [5, 6], \"bad\": [5, 7, 8, 9]}\n");
  const MicroBatch batch = make_micro_batch(pairs, parse_functional("logprob_diff"));
  EXPECT_EQ(batch.size(), 4);
  EXPECT_EQ(batch.samples(), 2);
  EXPECT_EQ(batch.positions, 4);
  EXPECT_THAT(batch.lengths, ElementsAre(3, 2, 2, 4));
  EXPECT_THAT(batch.weights, ElementsAre(-1, 1, -1, 1));
  EXPECT_THAT(batch.input_ids, ElementsAre(3, 1, 4, 0, 3, 1, 0, 0, 5, 6, 0, 0, 5, 7, 8, 9));
  EXPECT_THAT(batch.targets, ElementsAre(1, 4, -100, -100, 1, -100, -100, -100, 6, -100, -100, -100,
                                         7, 8, 9, -100));
  EXPECT_EQ(largest_micro_batch(pairs, 2), 16);
  EXPECT_EQ(largest_micro_batch(pairs, 1), 8);
  const std::vector<int64_t> second{1};
  const MicroBatch part = batch.subset(second);
  EXPECT_EQ(part.samples(), 1);
  EXPECT_THAT(part.lengths, ElementsAre(2, 4));
  EXPECT_THAT(part.weights, ElementsAre(-1, 1));
  EXPECT_THAT(part.input_ids, ElementsAre(5, 6, 0, 0, 5, 7, 8, 9));
}

TEST_F(Pairs, NamesFileAndLineOfWhatIsNoPair) {
  const std::string good = "{\"id\": \"a\", \"good\": [1, 2], \"bad\": [1, 3]}\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"good": [1, 2]})", "has good and no bad"},
      {R"({"sentence_bad": "x", "sentence_good": null})", "has sentence_bad and no sentence_good"},
      {R"({"good": [1, 2], "bad": [1, 3], "text": "x"})", "has text beside good and bad"},
      {R"({"good": "a", "bad": "b", "prompt": "x"})", "has prompt beside good and bad"},
      {R"({"good": [1, 2], "bad": [1, 3], "labels": [1, 2]})", "has labels beside good and bad"},
      {R"({"good": "a", "bad": "b", "sentence_good": "a", "sentence_bad": "b"})",
       "beside sentence_good and sentence_bad"},
      {R"({"good": "a", "bad": [1, 3]})", "good and bad must be two strings, or two lists"},
      {R"({"good": "a", "bad": 3})", "good and bad must be two strings, or two lists"},
      {R"({"good": [1, 2], "bad": [1, 50]})", "bad[1] = 50 is outside the vocabulary"},
      {R"({"good": [1, 2.5], "bad": [1, 2]})", "good[1] is not a whole number"},
      {R"({"good": [1], "bad": [1, 2]})", "there is nothing to predict in good"},
      {R"({"good": [1, 2], "bad": []})", "there is nothing to predict in bad"},
      {R"({"good": "a [TARGET]b[/TARGET]", "bad": "a b"})", "one has [TARGET]"},
      {R"({"good": [1, 2], "bad": [1, 2, 3, 4, 5, 6, 7, 8, 9]})",
       "bad has 9 tokens, more than the 8 allowed; a pair is not cut"},
      {R"({"id": "a", "good": [1, 2], "bad": [1, 4]})", "'a' is not unique"},
      {R"({"input_ids": [1, 2]})", "is no minimal pair, and the samples before it are"},
      {R"({"input_ids": [1, 2], "good": true, "bad": false})", "is no minimal pair"},
      {R"({"good": 1, "bad": 2})", "or good and bad, and has 'bad', 'good'"},
  };
  for (const auto& [line, words] : bad) {
    SCOPED_TRACE(line);
    EXPECT_THAT(refusal(good + line + "\n"),
                AllOf(HasSubstr(file.string() + ":2:"), HasSubstr(words)));
  }
  EXPECT_THAT(refusal("{\"input_ids\": [1, 2]}\n" + good),
              HasSubstr("is a minimal pair, and the samples before it are none"));
  options.window = 4;
  options.stride = 2;
  EXPECT_THAT(refusal(R"({"good": [1, 2, 3, 4, 5], "bad": [1, 2]})"),
              HasSubstr("good has 5 tokens, more than the 4 of a window; a pair is not cut"));
  options.pairs = false;
  EXPECT_THAT(refusal(good), HasSubstr("a training batch has none"));
}

}  // namespace
}  // namespace explaind
