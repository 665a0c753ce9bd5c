// Text samples: SentencePiece against its own program, the beginning of sequence, marked targets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "samples/sample.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// One tokenizer for all tests: BPE with byte fallback, as record trains it.
class TextSamples : public ::testing::Test {
 protected:
  static inline const fs::path folder = fs::path(::testing::TempDir()) / "explaind_tokenizer";

  static void SetUpTestSuite() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    std::ofstream text(folder / "text.txt");
    for (int i = 0; i < 200; ++i) {
      text << "the old town sings about green rivers and lazy birds\n"
           << "seven quick foxes jump over the lazy dog\n";
    }
    text.close();
    const std::string command = "cd " + folder.string() +
                                " && spm_train --input=text.txt --model_prefix=tokenizer "
                                "--vocab_size=330 --model_type=bpe --byte_fallback=true "
                                "> log 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << "spm_train of the package sentencepiece failed";
  }
  static void TearDownTestSuite() { fs::remove_all(folder); }

  static Sample load(const std::string& json) {
    std::ofstream(folder / "samples.jsonl") << json << "\n";
    return load_samples(folder / "samples.jsonl", {.vocabulary = 330,
                                                   .max_length = 100,
                                                   .truncate = false,
                                                   .tokenizer_directory = folder})
        .at(0);
  }
  /// What the package's own program makes of a text.
  static std::vector<int64_t> encoded(const std::string& text) {
    std::ofstream(folder / "in.txt") << text << "\n";
    const std::string command = "cd " + folder.string() +
                                " && spm_encode --model=tokenizer.model --output_format=id "
                                "in.txt > out.txt 2> log";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream out(folder / "out.txt");
    return {std::istream_iterator<int64_t>(out), {}};
  }
};

TEST_F(TextSamples, AreEncodedAsThePackageDoesAfterTheBeginningOfSequence) {
  for (const std::string text : {"the lazy old fox", "Zebra übt 漢字!", "a"}) {
    const Sample sample = load("{\"text\": \"" + text + "\"}");
    std::vector<int64_t> expected = encoded(text);
    expected.insert(expected.begin(), 1);  // <s>
    EXPECT_EQ(sample.input_ids, expected) << text;
    EXPECT_EQ(sample.labels, expected) << text;
  }
}

TEST_F(TextSamples, OnlyTheMarkedSpanIsPredicted) {
  const Sample plain = load(R"({"text": "the lazy birds sing"})");
  const Sample marked = load(R"({"text": "the lazy [TARGET]birds[/TARGET] sing"})");
  EXPECT_EQ(marked.input_ids, plain.input_ids);
  std::vector<int64_t> predicted;
  for (const int64_t label : marked.labels) {
    if (label != ignored_label) predicted.push_back(label);
  }
  // "▁birds" alone; the piece of the space may be one of its own, outside the span.
  std::vector<int64_t> expected = encoded("birds");
  if (predicted.size() + 1 == expected.size()) expected.erase(expected.begin());
  EXPECT_GE(predicted.size(), 1U);
  EXPECT_EQ(predicted, expected);
  EXPECT_LT(marked.predicted(), plain.predicted());
  EXPECT_THROW(load(R"({"text": "the [TARGET]lazy birds"})"), DataError);
  EXPECT_THROW(load(R"({"text": "the [/TARGET]lazy[TARGET] birds"})"), DataError);
}

TEST_F(TextSamples, TheConfigSaysWhetherASequenceBegins) {
  std::ofstream(folder / "tokenizer_config.json") << R"({"add_bos_token": false})";
  EXPECT_EQ(load(R"({"text": "the lazy fox"})").input_ids, encoded("the lazy fox"));
  fs::remove(folder / "tokenizer_config.json");
}

TEST_F(TextSamples, ATokenizerJsonThatCannotBeReadIsNamed) {
  fs::create_directories(folder / "tokenizer.json");
  EXPECT_THAT([] { load(R"({"text": "the lazy fox"})"); },
              ::testing::ThrowsMessage<DataError>(AllOf(
                  HasSubstr((folder / "tokenizer.json").string()), HasSubstr("cannot be read: "))));
  fs::remove(folder / "tokenizer.json");
}

TEST_F(TextSamples, WithoutATokenizerTheWayOutIsNamed) {
  const fs::path empty = folder / "empty";
  fs::create_directories(empty);
  try {
    open_tokenizer(empty);
    FAIL() << "opened";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("tokenizer.model"));
    EXPECT_THAT(error.what(), HasSubstr("input_ids"));
  }
}

}  // namespace
}  // namespace explaind
