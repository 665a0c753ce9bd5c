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

TEST_F(LoadSamples, CutsPaddingWhoseIdTheModelDoesNotKnow) {
  const std::vector<Sample> samples =
      load(R"({"input_ids": [-1, 50, 3, 4, 50], "attention_mask": [0, 0, 1, 1, 0]})");
  EXPECT_THAT(samples.at(0).input_ids, ElementsAre(3, 4));
  EXPECT_THAT(refusal(R"({"input_ids": [50, 3, 50], "attention_mask": [0, 1, 1]})"),
              HasSubstr("input_ids[2] = 50 is outside the vocabulary"));
  EXPECT_THAT(refusal(R"({"input_ids": [3, 4, 50], "labels": [-100, 4, 50]})"),
              HasSubstr("input_ids[2] = 50"));
  EXPECT_THAT(refusal(R"({"input_ids": [5, 18446744073709551615]})"),
              HasSubstr("input_ids[1] is not a whole number of 63 bits"));
  file = ::testing::TempDir();
  EXPECT_THAT(refusal(""), HasSubstr("is a folder"));
  file = "none";
}

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
      {R"({"id": "b", "input_ids": [1, 2.5]})", "input_ids[1] is not a whole number"},
      {R"({"id": "b", "input_ids": "12"})", "input_ids must be a list of token ids"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": {"a": 1}})",
       "labels must be a list of token ids"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1, "2"]})",
       "labels[1] is not a whole number"},
      {R"({"id": "b", "input_ids": []})", "empty"},
      {R"({"id": "b", "input_ids": [1]})", "nothing to predict"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1, -100]})", "nothing to predict"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1]})", "1 labels for 2 input_ids"},
      {R"({"id": "b", "input_ids": [1, 2], "lables": [1, -100]})", "did you mean 'labels'"},
      {R"({"id": "b", "input_ids": [1, 2], "Labels": 1})", "did you mean 'labels'"},
      {R"({"id": "b", "input_ids": [1, 2], "groups": "x"})", "did you mean 'group'"},
      {R"({"id": "b", "input_ids": [1, 2], "attention-mask": [1, 0]})",
       "did you mean 'attention_mask'"},
      {R"({"id": "b", "ids": [1, 2]})", "'ids'"},
      {R"({"id": "b", "input_ids": [1, 2], "loss_mask": [0, 1]})", "'loss_mask' is not obeyed"},
      {R"({"id": "b", "input_ids": [1, 2], "target_mask": [0, 1]})", "'target_mask' is not obeyed"},
      {R"({"id": "b", "input_ids": [1, 2], "Answer-Mask": [true, false]})",
       "'Answer-Mask' is not obeyed"},
      {R"({"id": "b", "input_ids": [1, 2], "weight_mask": [1, 0.5]})", "label -100"},
      {R"({"id": "b", "input_ids": [1, 2], "position_ids": [1, 2]})", "'position_ids' other than"},
      {R"({"id": "b", "input_ids": [1, 2], "labels": [1, 2], "labels": [1, -100]})",
       "the key 'labels' is given twice"},
      {R"({"id": "b", "input_ids": null, "labels": null})", "text or input_ids"},
      {R"({"id": "b", "text": "x", "attention_mask": [1]})", "attention_mask go with input_ids"},
      {R"({"id": "b", "input_ids": [1, 2], "attention_mask": [1]})", "as long as input_ids (2)"},
      {R"({"id": "b", "input_ids": [1, 2], "attention_mask": "11"})", "as long as input_ids (2)"},
      {R"({"id": "b", "input_ids": [1, 2, 3], "attention_mask": [1, 0, 1]})",
       "attention_mask[1] is 0"},
      {R"({"id": "b", "input_ids": [1, 2], "attention_mask": [1, 2]})", "attention_mask[1] is 2"},
      {R"({"id": "b", "input_ids": [1, 2], "attention_mask": [1, 0.5]})",
       "attention_mask[1] is 0.5"},
      {R"({"id": "b", "input_ids": [1, 2], "attention_mask": [0, 0]})", "empty"},
      {R"({"id": "b", "input_ids": [1, 2, 3], "attention_mask": [0, 0, 1]})", "nothing to predict"},
      {R"({"id": "b", "input_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9]})", "9 tokens, more than"},
      {R"({"id": ["b"], "input_ids": [1, 2]})", "id must be a string or a whole number"},
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
  EXPECT_THAT([&] { load_samples(file, options); },
              ::testing::ThrowsMessage<DataError>(
                  AllOf(HasSubstr(file.string()), HasSubstr("cannot be read"))));
}

TEST_F(LoadSamples, CutsPaddingAndSaysSo) {
  std::ofstream(file) << R"({"input_ids": [9, 9, 1, 2, 3], "labels": [7, 7, 1, -100, 3],)"
                      << R"( "attention_mask": [0, 0, 1, 1, 1]})"
                      << "\n"
                      << R"({"input_ids": [1, 2, 9], "attention_mask": [true, true, false]})"
                      << "\n"
                      << R"({"input_ids": [1, 2], "attention_mask": [1, 1]})"
                      << "\n"
                      << R"({"input_ids": [1, 2], "attention_mask": null})"
                      << "\n";
  std::vector<std::string> notes;
  const std::vector<Sample> samples = load_samples(file, options, &notes);
  EXPECT_THAT(samples[0].input_ids, ElementsAre(1, 2, 3));
  EXPECT_THAT(samples[0].labels, ElementsAre(1, -100, 3));
  EXPECT_THAT(samples[1].input_ids, ElementsAre(1, 2));
  EXPECT_THAT(samples[2].input_ids, ElementsAre(1, 2));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("padding was cut off 2 samples, 3 tokens in all")));
}

TEST_F(LoadSamples, IgnoresOwnColumnsAndSaysSo) {
  std::ofstream(file) << R"({"id": "a", "input_ids": [1, 2], "token_type_ids": [0, 0], "label": 1,)"
                      << R"( "position_ids": [0, 1], "source": {"a": null}, "labels": null})"
                      << "\n"
                      << R"({"id": "b", "input_ids": [1, 2], "idx": 3, "group": null, "url": null})"
                      << "\n";
  std::vector<std::string> notes;
  const std::vector<Sample> samples = load_samples(file, options, &notes);
  EXPECT_THAT(samples[0].labels, ElementsAre(1, 2));
  EXPECT_EQ(samples[1].group, "");
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr(
                  "columns that are not used: idx, label, position_ids, source, token_type_ids")));
}

TEST_F(LoadSamples, TakesEveryColumnThatTokenizersOfTransformersReturn) {
  std::ofstream(file)
      << R"({"input_ids": [1, 2, 3, 9], "token_type_ids": [0, 0, 0, 0], "attention_mask": [1, 1, 1, 0],)"
      << R"( "special_tokens_mask": [1, 0, 0, 1], "offset_mapping": [[0, 0], [0, 1], [1, 2], [0, 0]],)"
      << R"( "length": 4, "num_truncated_tokens": -1, "overflow_to_sample_mapping": 0,)"
      << R"( "word_ids": [null, 0, 0, null], "labels": [-100, 2, 3, -100]})";
  std::vector<std::string> notes;
  const std::vector<Sample> samples = load_samples(file, options, &notes);
  EXPECT_THAT(samples[0].input_ids, ElementsAre(1, 2, 3));
  EXPECT_THAT(samples[0].labels, ElementsAre(-100, 2, 3));
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("not used: length, num_truncated_tokens, offset_mapping, "
                                    "overflow_to_sample_mapping, special_tokens_mask, "
                                    "token_type_ids, word_ids"),
                          HasSubstr("padding was cut off 1 sample, 1 token in all")));
}

TEST_F(LoadSamples, NamesAFileThatIsNone) {
  EXPECT_THAT(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
              HasSubstr("Git LFS pointer"));
  EXPECT_THAT(refusal("<!doctype html>"), HasSubstr("web page"));
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
