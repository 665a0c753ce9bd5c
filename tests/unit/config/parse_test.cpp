// Command line over INI file over default, and every way to get it wrong.

#include "config/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/copy_options.hpp"
#include "config/decompose_options.hpp"
#include "config/read_options.hpp"
#include "config/record_options.hpp"
#include "config/study_options.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Arguments = std::vector<std::string>;

const Arguments needed = {"--series", "a", "--samples", "b.jsonl", "--store", "c.h5"};

class Parse : public ::testing::Test {
 protected:
  DecomposeOptions options;
  std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) /
      (std::string("config_") + ::testing::UnitTest::GetInstance()->current_test_info()->name() +
       ".ini");

  ~Parse() override { std::filesystem::remove(file); }

  ParseResult parse(const Arguments& arguments) {
    return parse_options("decompose", arguments, option_table(options), "", all_option_names());
  }
  ParseResult parse_with(const std::string& ini, Arguments arguments = needed) {
    std::ofstream(file) << ini;
    arguments.insert(arguments.end(), {"--config", file.string()});
    return parse(arguments);
  }
  /// The message of the UsageError that these arguments end in.
  std::string refusal(const Arguments& arguments, const std::string& ini = "") {
    try {
      ini.empty() ? parse(arguments) : parse_with(ini, arguments);
    } catch (const UsageError& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::usage);
      return error.what();
    }
    return "accepted";
  }
  static Arguments with(const Arguments& more) {
    Arguments all = needed;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(Parse, AListReplacesItsDefaultAndIsJoinedWhereItIsRepeated) {
  StudyOptions study;
  ASSERT_GT(study.rules.size(), 1U);
  parse_options(
      "study", {"exactness", "--history", "a", "--rules", "gauss:3", "--rules", "adaptive,gauss:5"},
      option_table(study), "study", all_option_names());
  EXPECT_THAT(study.rules, ::testing::ElementsAre("gauss:3", "adaptive", "gauss:5"));
}

TEST_F(Parse, ACommaOfAnItemIsEscaped) {
  StudyOptions study;
  OptionTable table = option_table(study);
  for (Option& option : table) {
    if (option.name != "rules") continue;
    option.set("a\\,b,c\\d");
    EXPECT_THAT(study.rules, ::testing::ElementsAre("a,b", "c\\d"));
    EXPECT_EQ(option.get(), "a\\,b,c\\d");
  }
}

TEST_F(Parse, DefaultsStayWhereNothingIsSaid) {
  EXPECT_FALSE(parse(needed).help);
  EXPECT_EQ(options.series, "a");
  EXPECT_EQ(options.store, "c.h5");
  EXPECT_EQ(options.tolerance, 1e-5);
  EXPECT_FALSE(options.absolute_tolerance.has_value());
  EXPECT_EQ(options.chunk, 64);
  EXPECT_FALSE(options.overwrite);
}

TEST_F(Parse, TheCommandLineWinsOverTheFileAndTheFileOverTheDefault) {
  parse_with("chunk = 3\nmicro-batch = 2   # a comment\n\nseries = elsewhere\ntruncate = true\n",
             with({"--chunk", "7", "--tolerance=1e-3"}));
  EXPECT_EQ(options.chunk, 7);
  EXPECT_EQ(options.micro_batch, 2);
  EXPECT_EQ(options.series, "a");
  EXPECT_TRUE(options.truncate);
  EXPECT_EQ(options.tolerance, 1e-3);
}

TEST_F(Parse, ACommentBeginsAtALinesStartOrAfterABlank) {
  parse_with(
      "series = runs/run#3 # not run 4\nsamples = a#b#c.jsonl\t# with a tab\n  # alone\n"
      "#chunk = 3\nstore=#1.h5\n",
      {});
  EXPECT_EQ(options.series, "runs/run#3");
  EXPECT_EQ(options.samples, "a#b#c.jsonl");
  EXPECT_EQ(options.store, "#1.h5");
  EXPECT_EQ(options.chunk, 64);
}

TEST_F(Parse, WhatOtherProgramsTakeOffAValueIsRefused) {
  for (const std::string line : {"series = \"runs/a\"", "series = 'runs/a'", "series=\"\"",
                                 "series = a ; a comment", "series = ; nothing"}) {
    EXPECT_THAT(refusal(needed, line + "\n"),
                AllOf(HasSubstr(file.string() + ":1: "), HasSubstr("would be part of the value")));
  }
  EXPECT_THAT(refusal(needed, "; a comment\n"), HasSubstr("Comments begin with #"));
  parse_with("series = it's \"a\" run;1\nsamples=\"a\" or \"b\n", {"--store", "c"});
  EXPECT_EQ(options.series, "it's \"a\" run;1");
  EXPECT_EQ(options.samples, "\"a\" or \"b");
}

TEST_F(Parse, MessagesOfAFileNameItsLine) {
  for (const std::string line :
       {"chunk = many", "precision = fp8", "nonsense", "[run]", "chunks = 3", "truncate = perhaps",
        "resume = true", "tolerance = -1"}) {
    EXPECT_THAT(refusal(needed, "# first\n\n" + line + "\n"), HasSubstr(file.string() + ":3: "));
  }
  EXPECT_THAT(refusal(needed, "chunk = 1\nchunk = 1\n"), HasSubstr(file.string() + ":2: "));
  EXPECT_THAT(refusal(with({"--config", ::testing::TempDir()})), HasSubstr("cannot be read"));
}

TEST_F(Parse, AnEditorsMarkAndItsLineEndsAreNoPartOfTheFile) {
  parse_with(
      "\xEF\xBB\xBF"
      "chunk = 3\r\nseries = x y \r\n",
      {"--samples", "b", "--store", "c"});
  EXPECT_EQ(options.chunk, 3);
  EXPECT_EQ(options.series, "x y");
}

TEST_F(Parse, AFileInUtf16IsNamed) {
  const std::string wide(
      "\xff\xfe"
      "c\0h\0u\0n\0k\0=\0003\0\n\0",
      18);
  EXPECT_THAT(refusal(needed, wide), AllOf(HasSubstr(file.string() + ": is a text in UTF-16"),
                                           HasSubstr("`iconv -f UTF-16 -t UTF-8 ")));
}

TEST_F(Parse, OnlyWhatIsNearIsSuggested) {
  EXPECT_THAT(refusal(with({"--xyz", "1"})), AllOf(HasSubstr("--help"), Not(HasSubstr("Did you"))));
  EXPECT_THAT(refusal(with({"--absolute-tol", "1"})),
              HasSubstr("Did you mean --absolute-tolerance?"));
}

TEST_F(Parse, RequiredOptionsMayComeFromTheFile) {
  parse_with("series = x\nsamples = y\nstore = z.h5\n", {});
  EXPECT_EQ(options.series, "x");
  EXPECT_EQ(options.samples, "y");
  EXPECT_EQ(options.store, "z.h5");
}

TEST_F(Parse, KeysOfOtherVerbsAreIgnoredThoseOfNoneAreNot) {
  parse_with("learning-rate = 1e-3\nchunk = 5\n");
  EXPECT_EQ(options.chunk, 5);
  EXPECT_THAT(refusal(needed, "chunks = 5\n"), AllOf(HasSubstr("chunks"), HasSubstr("chunk")));
}

TEST_F(Parse, UnknownOptionsAreNamedWithTheNearestKnown) {
  EXPECT_THAT(refusal(with({"--tolerence", "1"})),
              AllOf(HasSubstr("--tolerence"), HasSubstr("--tolerance")));
  EXPECT_THAT(refusal(with({"stray"})), HasSubstr("stray"));
}

TEST_F(Parse, ImpossibleValuesAreNamed) {
  const std::vector<std::pair<std::string, std::string>> impossible = {
      {"chunk", "0"},           {"chunk", "2.5"},         {"chunk", "many"},
      {"micro-batch", "-1"},    {"tolerance", "-1e-3"},   {"tolerance", "small"},
      {"tolerance", "nan"},     {"precision", "fp8"},     {"store-dtype", "f16"},
      {"group-reduce", "most"}, {"relative-to", "moon"},  {"max-length", "0"},
      {"threads", "-2"},        {"component", "neurons"}, {"absolute-tolerance", "-1"},
      {"window", "1"},          {"stride", "0"}};
  for (const auto& [name, value] : impossible) {
    SCOPED_TRACE(name + " = " + value);
    EXPECT_THAT(refusal(with({"--" + name, value})), AllOf(HasSubstr(name), HasSubstr(value)));
    EXPECT_THAT(refusal(needed, name + " = " + value + "\n"), HasSubstr(name));
  }
}

TEST_F(Parse, MissingTwiceGivenAndCommandLineOnlyOptions) {
  EXPECT_THAT(refusal({"--series", "a", "--samples", "b"}), HasSubstr("--store"));
  EXPECT_THAT(refusal(with({"--chunk", "2", "--chunk", "3"})), HasSubstr("chunk"));
  EXPECT_THAT(refusal(needed, "overwrite = true\n"), HasSubstr("overwrite"));
  EXPECT_THAT(refusal(with({"--config", "/no/such/file.ini"})), HasSubstr("/no/such/file.ini"));
  EXPECT_THAT(refusal(with({"--chunk"})), HasSubstr("chunk"));
}

TEST_F(Parse, HelpAsksForNothingElse) {
  EXPECT_TRUE(parse({"--help"}).help);
  EXPECT_TRUE(parse({"-h"}).help);
}

TEST_F(Parse, TheResolvedConfigurationIsAFileThatGivesItAgain) {
  parse(with({"--tolerance", "2.5e-7", "--truncate", "--max-length", "77", "--axes",
              "sample,position", "--absolute-tolerance", "1e-9"}));
  std::string ini;
  for (const ResolvedOption& each : resolved(option_table(options))) {
    if (each.role != Role::command && !each.value.empty())
      ini += each.key + " = " + each.value + "\n";
  }
  DecomposeOptions first = options;
  options = {};
  parse_with(ini, {});
  const auto before = resolved(option_table(first)), after = resolved(option_table(options));
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(before[i].value, after[i].value) << before[i].key;
  EXPECT_EQ(options.tolerance, 2.5e-7);
  EXPECT_EQ(options.max_length, 77);
}

Option table_select(QueryOptions& options) {
  for (Option& option : option_table(options)) {
    if (option.name == "select") return option;
  }
  throw std::logic_error("no --select");
}

TEST(ParseQuery, ABareArgumentIsTheStoreAndListsJoin) {
  QueryOptions options;
  parse_options(
      "query",
      {"s.h5", "--select", "step=100", "--select", "group=de|fr", "--sum", "segment,sample"},
      option_table(options), "store", all_option_names());
  EXPECT_EQ(options.store, "s.h5");
  EXPECT_EQ(options.select, (Arguments{"step=100", "group=de|fr"}));
  table_select(options).set("id=a\\,b,step=1\\|2");
  EXPECT_EQ(options.select, (Arguments{"id=a\\,b", "step=1\\|2"}))
      << "its own grammar takes \\ away";
  EXPECT_EQ(options.sum, (Arguments{"segment", "sample"}));
}

TEST(ParseMerge, AnyNumberOfBareArgumentsAreItemsWhateverIsInThem) {
  MergeOptions options;
  parse_options("store merge", {"a,b.h5", "-o", "out.h5", "c.h5", "--memory", "1GiB", "d.h5"},
                option_table(options), "stores...", all_option_names());
  EXPECT_EQ(options.stores, (Arguments{"a,b.h5", "c.h5", "d.h5"}));
  EXPECT_EQ(options.output, "out.h5");
}

TEST(ParseInspect, AFlagDoesNotTakeTheBareArgumentThatFollowsIt) {
  for (const Arguments& arguments :
       {Arguments{"--check", "series"}, Arguments{"series", "--check"},
        Arguments{"--check", "true", "series"}, Arguments{"--check=true", "series"}}) {
    InspectOptions options;
    parse_options("inspect", arguments, option_table(options), "path", all_option_names());
    EXPECT_EQ(options.path, "series");
    EXPECT_TRUE(options.check);
  }
  InspectOptions options;
  parse_options("inspect", {"--check", "false", "series"}, option_table(options), "path",
                all_option_names());
  EXPECT_FALSE(options.check);
}

}  // namespace
}  // namespace explaind
