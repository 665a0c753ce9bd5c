// Prompts with completions: one text, of which the completion's tokens are predicted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
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

/// Letters, and merges that reach over a blank. <s> (0) begins a sequence, </s> (1) ends it.
constexpr const char* tokenizer = R"({
  "model": {"type": "BPE", "merges": ["a b", "Ġ ab", "Ã ¼"],
            "vocab": {"<s>": 0, "</s>": 1, "a": 2, "b": 3, "c": 4, "d": 5, "Ġ": 6, "ab": 7, "Ġab": 8,
                      "Ã": 9, "¼": 10, "Ã¼": 11}},
  "added_tokens": [
    {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
     "normalized": false, "special": true},
    {"id": 1, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
     "normalized": false, "special": true}],
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                    "use_regex": true},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}},
               {"SpecialToken": {"id": "</s>"}}],
    "special_tokens": {"<s>": {"ids": [0]}, "</s>": {"ids": [1]}}}})";

class Completions : public ::testing::Test {
 protected:
  fs::path folder = fs::path(::testing::TempDir()) /
                    (std::string("completions_") +
                     ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::vector<std::string> notes;

  void SetUp() override {
    fs::create_directories(folder);
    std::ofstream(folder / "tokenizer.json") << tokenizer;
  }
  void TearDown() override { fs::remove_all(folder); }

  std::vector<Sample> load(const std::string& lines) {
    std::ofstream(folder / "samples.jsonl") << lines;
    notes.clear();
    return load_samples(
        folder / "samples.jsonl",
        {.vocabulary = 12, .max_length = 100, .truncate = false, .tokenizer_directory = folder},
        &notes);
  }
  std::string refusal(const std::string& line) {
    try {
      load(line);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(Completions, AreWhatIsPredictedOfOneText) {
  const auto samples = load(R"({"id": "a", "group": "g", "prompt": "cab", "completion": " abd"})"
                            "\n"
                            R"({"text": "cab abd", "prompt": "a column of its own"})");
  EXPECT_THAT(samples[0].input_ids, ElementsAre(0, 4, 7, 8, 5, 1));
  EXPECT_THAT(samples[0].labels, ElementsAre(-100, -100, -100, 8, 5, -100));
  EXPECT_EQ(samples[0].id, "a");
  EXPECT_EQ(samples[0].group, "g");
  EXPECT_EQ(samples[1].input_ids, samples[0].input_ids);
  EXPECT_EQ(samples[1].labels, samples[0].input_ids);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("columns that are not used: prompt")));
}

TEST_F(Completions, HaveTheTokensThatReachIntoThemAndThatIsSaid) {
  const auto samples = load(R"({"prompt": "c ", "completion": "ab"})"
                            "\n"
                            R"({"prompt": "c a", "completion": "bd"})"
                            "\n"
                            R"({"prompt": "c", "completion": "ab"})"
                            "\n"
                            R"({"prompt": "", "completion": "cab"})"
                            "\n");
  EXPECT_THAT(samples[0].labels, ElementsAre(-100, -100, 8, -100));
  EXPECT_THAT(samples[1].labels, ElementsAre(-100, -100, 8, 5, -100));
  EXPECT_THAT(samples[2].labels, ElementsAre(-100, -100, 7, -100));
  EXPECT_THAT(samples[3].labels, ElementsAre(-100, 4, 7, -100));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("in 2 samples a token holds the end of the prompt")));
  load(R"({"text": "c [TARGET]ab[/TARGET]"})");
  EXPECT_THAT(notes, IsEmpty()) << "a marked span is no completion";
}

TEST_F(Completions, BeginAtAByteOfTheText) {
  const auto samples = load(R"({"prompt": "\u00fc\u00fc", "completion": "\u00fcd"})");
  EXPECT_THAT(samples[0].labels, ElementsAre(-100, -100, -100, 11, 5, -100));
}

TEST_F(Completions, AreRefusedWhereTheyAreNotWhole) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"prompt": "a"})", "has a prompt and no completion"},
      {R"({"prompt": null, "completion": "a"})", "has a completion and no prompt"},
      {R"({"prompt": "a", "completion": "b", "text": "ab"})",
       "has text beside prompt and completion"},
      {R"({"prompt": "a", "completion": "b", "input_ids": [2, 3]})",
       "has input_ids beside prompt and completion"},
      {R"({"prompt": "a", "completion": ""})", "the completion is empty"},
      {R"({"prompt": "a", "completion": 3})", "completion must be a string"},
      {R"({"prompt": 3, "completion": "a"})", "prompt must be a string"},
      {R"({"prompt": "[TARGET]a[/TARGET]", "completion": "a"})", "[TARGET] marks what is"},
      {R"({"prompt": "a", "completion": "b[/TARGET]"})", "[/TARGET] marks what is"},
      {R"({"prompt": "a", "completion": "b", "labels": [2]})", "labels go with input_ids"},
      {R"({"prompt": "a", "completion": "b", "completion_mask": [0, 1]})",
       "'completion_mask' is not obeyed"},
  };
  for (const auto& [line, words] : bad) {
    SCOPED_TRACE(line);
    EXPECT_THAT(refusal(line), AllOf(HasSubstr("samples.jsonl:1: "), HasSubstr(words)));
  }
}

TEST_F(Completions, OfMessagesAreRefusedWithTheirOwnRecipe) {
  const std::string recipe = refusal(
      R"({"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "x", "content": "b"}]})");
  EXPECT_THAT(recipe, AllOf(HasSubstr("prompt and completion are a conversation"),
                            HasSubstr("(row.pop(\"prompt\") + row.pop(\"completion\"), ")));
  // Of half a pair beside messages, the messages are what is meant.
  for (const std::string line : {R"({"messages": []})", R"({"prompt": "a", "messages": []})"}) {
    EXPECT_THAT(refusal(line),
                AllOf(HasSubstr("messages are a conversation"),
                      HasSubstr(nlohmann::json(folder.string()).dump()),
                      HasSubstr(nlohmann::json((folder / "samples.jsonl").string()).dump()),
                      HasSubstr("(row.pop(\"messages\"), ")));
  }
  // What has been made of them stands beside them.
  for (const std::string line :
       {R"({"messages": [], "text": "ab a"})", R"({"messages": [], "input_ids": [2, 3]})",
        R"({"messages": [], "prompt": "a", "completion": " b"})"}) {
    EXPECT_EQ(load(line).size(), 1U);
    EXPECT_THAT(notes, ElementsAre(HasSubstr("columns that are not used: messages")));
  }
}

}  // namespace
}  // namespace explaind
