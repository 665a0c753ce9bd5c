// Long samples in windows: where they begin, what each predicts, and what is said of them.

#include "samples/windows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "samples/sample.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

/// Token t is t, and predicted.
Sample counting(int64_t length) {
  Sample sample{.id = "a", .group = "g", .input_ids = {}, .labels = {}};
  sample.input_ids.resize(static_cast<size_t>(length));
  std::iota(sample.input_ids.begin(), sample.input_ids.end(), 0);
  sample.labels = sample.input_ids;
  return sample;
}

TEST(Windows, PredictWhatNoneBeforeThemHas) {
  const SampleWindows cut = cut_into_windows(counting(7), 4, 2);
  ASSERT_EQ(cut.windows.size(), 3U);
  EXPECT_THAT(cut.windows[0].input_ids, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(cut.windows[0].labels, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(cut.windows[1].input_ids, ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(cut.windows[1].labels, ElementsAre(-100, -100, 4, 5));
  EXPECT_THAT(cut.windows[2].input_ids, ElementsAre(4, 5, 6));  // ends with the text
  EXPECT_THAT(cut.windows[2].labels, ElementsAre(-100, -100, 6));
  EXPECT_EQ(cut.windows[2].id, "a#2");
  EXPECT_EQ(cut.windows[2].group, "g");
  EXPECT_EQ(cut.left_out + cut.unpredicted, 0);
}

TEST(Windows, CountEveryTokenOnceWhateverTheirSizes) {
  for (int64_t length = 3; length < 30; ++length) {
    for (int64_t window = 2; window < length; ++window) {
      for (int64_t stride = 1; stride <= window; ++stride) {
        SCOPED_TRACE(::testing::Message() << length << " " << window << " " << stride);
        const SampleWindows cut = cut_into_windows(counting(length), window, stride);
        std::map<int64_t, int> times;
        for (const Sample& each : cut.windows) {
          ASSERT_LE(each.input_ids.size(), static_cast<size_t>(window));
          ASSERT_EQ(each.input_ids.size(), each.labels.size());
          EXPECT_EQ(each.id, "a#" + std::to_string(each.input_ids.front() / stride));
          EXPECT_EQ(each.input_ids.front() % stride, 0);
          for (size_t t = 1; t < each.labels.size(); ++t) {
            if (each.labels[t] != ignored_label) ++times[each.input_ids[t]];
          }
        }
        int64_t once = 0;
        for (const auto& [token, count] : times) once += count == 1 ? 1 : length;
        // A whole window's stride leaves the first token of each window but the first.
        const int64_t begun = stride < window ? 0 : (length - 1) / window;
        EXPECT_EQ(once, length - 1 - begun);
        EXPECT_EQ(cut.unpredicted, begun);
        EXPECT_EQ(cut.left_out, begun > 0 && length % window == 1 ? 1 : 0);
      }
    }
  }
}

TEST(Windows, WithoutAPredictionAreLeftOut) {
  Sample sample = counting(10);
  std::fill_n(sample.labels.begin(), 7, ignored_label);
  const SampleWindows cut = cut_into_windows(sample, 4, 2);
  ASSERT_EQ(cut.windows.size(), 2U);
  EXPECT_EQ(cut.windows[0].id, "a#2");
  EXPECT_THAT(cut.windows[0].labels, ElementsAre(-100, -100, -100, 7));
  EXPECT_THAT(cut.windows[1].labels, ElementsAre(-100, -100, 8, 9));
  EXPECT_EQ(cut.left_out, 2);
}

class WindowsOfAFile : public ::testing::Test {
 protected:
  fs::path file = fs::path(::testing::TempDir()) /
                  (std::string("windows_") +
                   ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".jsonl");
  SampleOptions options{.vocabulary = 50,
                        .max_length = 5,
                        .truncate = false,
                        .tokenizer_directory = {},
                        .window = 4,
                        .stride = 2};
  std::vector<std::string> notes;

  void TearDown() override { fs::remove(file); }
  std::vector<std::string> ids(const std::string& lines) {
    std::ofstream(file) << lines;
    notes.clear();
    std::vector<std::string> ids;
    for (const Sample& sample : load_samples(file, options, &notes)) ids.push_back(sample.id);
    return ids;
  }
  std::string refusal(const std::string& lines) {
    try {
      ids(lines);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(WindowsOfAFile, AreOfLongSamplesAlone) {
  EXPECT_THAT(
      ids("{\"input_ids\": [1, 2, 3, 4]}\n{\"id\": \"b\", \"input_ids\": [1, 2, 3, 4, 5, 6]}\n"),
      ElementsAre("1", "b#0", "b#1"));
  EXPECT_THAT(notes,
              ElementsAre(AllOf(HasSubstr("1 sample of more than 4 tokens was cut into 2 windows"),
                                HasSubstr("begin 2 tokens apart"))));
  EXPECT_THAT(ids("{\"input_ids\": [1, 2, 3, 4]}"), ElementsAre("1"));
  EXPECT_THAT(notes, IsEmpty());
  // Padding is no part of a text.
  EXPECT_THAT(ids(R"({"input_ids": [1, 2, 3, 4, 0, 0], "attention_mask": [1, 1, 1, 1, 0, 0]})"),
              ElementsAre("1"));
}

TEST_F(WindowsOfAFile, SayWhatIsLeftOutAndNotPredicted) {
  options.stride = 4;
  ids("{\"input_ids\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}");
  EXPECT_THAT(
      notes,
      ElementsAre(
          AllOf(HasSubstr("cut into 2 windows"),
                HasSubstr("and 1 more, in which nothing is to be predicted, is left out. 2 tokens"),
                HasSubstr("a stride below 4 predicts them"))));
}

TEST_F(WindowsOfAFile, NeedIdsOfTheirOwn) {
  const std::string longer = "{\"id\": \"b\", \"input_ids\": [1, 2, 3, 4, 5, 6]}\n",
                    named = "{\"id\": \"b#1\", \"input_ids\": [1, 2]}\n";
  EXPECT_THAT(refusal(longer + named), HasSubstr(":2: id 'b#1' is not unique"));
  EXPECT_THAT(refusal(named + longer), HasSubstr(":2: id 'b#1' is not unique"));
}

TEST_F(WindowsOfAFile, HaveSomethingToPredict) {
  options.stride = 4;
  const std::string one =
      R"({"input_ids": [1, 2, 3, 4, 5, 6], "labels": [-100, -100, -100, -100, 5, -100]})";
  EXPECT_THAT(refusal(one),
              AllOf(HasSubstr("in any of its windows"), HasSubstr("--stride below --window")));
  options.stride = 3;
  EXPECT_THAT(ids(one), ElementsAre("1#1"));
  options.window = 0;
  EXPECT_THAT(refusal(one), HasSubstr("6 tokens, more than the 5 allowed"));
}

}  // namespace
}  // namespace explaind
