// The reader of prediction samples: what it makes of a line, and what it refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "samples/sample.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoadSamples : public ::testing::Test {
 protected:
  std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) /
      (std::string("samples_") + ::testing::UnitTest::GetInstance()->current_test_info()->name() +
       ".jsonl");
  SampleOptions options{
      .vocabulary = 50, .max_length = 8, .truncate = false, .tokenizer_directory = {}};

  ~LoadSamples() override { std::filesystem::remove(file); }

  std::vector<Sample> load(const std::string& text) {
    std::ofstream(file) << text;
    return load_samples(file, options);
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

TEST_F(LoadSamples, ReadsIdsGroupsTokensAndLabels) {
  const std::vector<Sample> samples = load(
      "{\"id\": \"a\", \"group\": \"de\", \"input_ids\": [3, 1, 4], \"labels\": [3, -100, 4]}\n"
      "\n"
      "{\"input_ids\": [49, 0]}\r\n"
      "{\"id\": 7, \"group\": 2, \"input_ids\": [1, 2]}");
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].id, "a");
  EXPECT_EQ(samples[0].group, "de");
  EXPECT_THAT(samples[0].input_ids, ElementsAre(3, 1, 4));
  EXPECT_THAT(samples[0].labels, ElementsAre(3, -100, 4));
  EXPECT_EQ(samples[0].predicted(), 1);  // the first label is never predicted
  EXPECT_EQ(samples[1].id, "3");         // the line's number
  EXPECT_EQ(samples[1].group, "");
  EXPECT_THAT(samples[1].labels, ElementsAre(49, 0));  // every token where labels are left out
  EXPECT_EQ(samples[1].predicted(), 1);
  EXPECT_EQ(samples[2].id, "7");
  EXPECT_EQ(samples[2].group, "2");
}

TEST_F(LoadSamples, NamesFileAndLineOfABadLine) {
  const std::string good = "{\"id\": \"a\", \"input_ids\": [1, 2]}\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"input_ids\": [1, 2", "JSON"},
      {"[1, 2]", "object"},
      {R"({"input_ids": [1, 2], "label": [1, 2]})", "label"},
      {R"({"id": "b"})", "text or input_ids"},
      {R"({"text": "x", "input_ids": [1, 2]})", "text or input_ids"},
      {R"({"text": "x", "labels": [1]})", "labels"},
      {R"({"id": "a", "input_ids": [1, 2]})", "'a' is not unique"},
      {R"({"id": "b", "input_ids": [1, 50]})", "input_ids[1] = 50"},
      {R"({"id": "b", "input_ids": [1, -1]})", "input_ids[1] = -1"},
      {R"({"id": "b", "input_ids": [1, -100]})", "input_ids[1] = -100"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1, 50]})", "labels[1] = 50"},
      {R"({"id": "b", "input_ids": [1, 2.5]})", "input_ids[1]"},
      {R"({"id": "b", "input_ids": "12"})", "input_ids"},
      {R"({"id": "b", "input_ids": []})", "empty"},
      {R"({"id": "b", "input_ids": [1]})", "nothing to predict"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1, -100]})", "nothing to predict"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1]})", "1 labels for 2 input_ids"},
      {R"({"id": "b", "input_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9]})", "9 tokens"},
      {R"({"id": ["b"], "input_ids": [1, 2]})", "id"},
      {"{\"id\": \"\xff\", \"input_ids\": [1, 2]}", "JSON"},
  };
  for (const auto& [line, words] : bad) {
    SCOPED_TRACE(line);
    EXPECT_THAT(refusal(good + "\n" + line + "\n"),
                AllOf(HasSubstr(file.string() + ":3:"), HasSubstr(words)));
  }
  EXPECT_THAT(refusal(""), HasSubstr("no samples"));
  EXPECT_THAT(refusal(" \n\n"), HasSubstr("no samples"));
  std::filesystem::remove(file);
  EXPECT_THROW(load_samples(file, options), DataError);
}

TEST_F(LoadSamples, TruncatesWhereAsked) {
  options.truncate = true;
  options.max_length = 3;
  const auto samples = load(R"({"input_ids": [1, 2, 3, 4], "labels": [1, 2, -100, 4]})");
  EXPECT_THAT(samples[0].input_ids, ElementsAre(1, 2, 3));
  EXPECT_THAT(samples[0].labels, ElementsAre(1, 2, -100));
  EXPECT_THAT(refusal(R"({"input_ids": [1, 2, 3, 4], "labels": [1, -100, -100, 4]})"),
              HasSubstr("nothing to predict"));  // what was to be predicted is cut off
}

TEST(GroupSamples, OrdersGroupsByFirstAppearance) {
  std::vector<Sample> samples(4);
  samples[0].group = samples[2].group = "sv";
  samples[1].group = "de";
  const Groups groups = group_samples(samples);
  EXPECT_THAT(groups.names, ElementsAre("sv", "de", ""));
  EXPECT_THAT(groups.of_sample, ElementsAre(0, 1, 0, 2));
}

}  // namespace
}  // namespace explaind
