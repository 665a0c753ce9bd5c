// What --help and configs/README.md say of every option.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "config/copy_options.hpp"
#include "config/decompose_options.hpp"
#include "config/find_options.hpp"
#include "config/parse.hpp"
#include "config/plan_options.hpp"
#include "config/read_options.hpp"
#include "config/record_options.hpp"
#include "config/report_options.hpp"
#include "config/study_options.hpp"
#include "config/tokenize_options.hpp"
#include "config/verify_options.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;

std::map<std::string, OptionTable> tables() {
  static DecomposeOptions decompose;
  static PlanOptions plan;
  static RecordOptions record;
  static QueryOptions query;
  static FindOptions find;
  static ReportOptions report;
  static InspectOptions inspect;
  static StudyOptions study;
  static TokenizeOptions tokenize;
  static VerifyOptions verify;
  static RepackOptions repack;
  static MergeOptions merge;
  return {{"decompose", option_table(decompose)}, {"plan", option_table(plan)},
          {"record", option_table(record)},       {"query", option_table(query)},
          {"inspect", option_table(inspect)},     {"study", option_table(study)},
          {"tokenize", option_table(tokenize)},   {"report", option_table(report)},
          {"verify", option_table(verify)},       {"find", option_table(find)},
          {"store repack", option_table(repack)}, {"store merge", option_table(merge)}};
}

TEST(Help, NamesEveryOptionWithItsDefaultInHundredColumns) {
  for (const auto& [verb, table] : tables()) {
    const std::string text = help_text("explaind " + verb, "Does it.", table);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      size_t columns = 0;
      for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
      EXPECT_LE(columns, 100U) << line;
    }
    for (const Option& option : table) {
      EXPECT_THAT(text, HasSubstr("--" + option.name));
      if (!option.flag() && !option.get().empty()) {
        EXPECT_THAT(text, HasSubstr("[" + option.get() + "]")) << option.name;
      }
    }
  }
}

TEST(Help, AllNamesAreThoseOfTheTables) {
  std::set<std::string> names;
  for (const auto& [verb, table] : tables()) {
    for (const Option& option : table) names.insert(option.name);
  }
  for (const std::string& name : names) {
    EXPECT_THAT(all_option_names(), ::testing::Contains(name));
  }
}

/// Keys per section "## verb" of configs/README.md: what stands in backticks in a first column.
std::map<std::string, std::set<std::string>> documented() {
  std::ifstream file(EXPLAIND_TEST_DATA "/../../configs/README.md");
  std::map<std::string, std::set<std::string>> keys;
  std::string verb;
  const std::regex key("`([a-z0-9-]+)`");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) verb = line.substr(3);
    if (verb.empty() || !line.starts_with("| `")) continue;
    const std::string first = line.substr(0, line.find('|', 1));
    for (std::sregex_iterator found(first.begin(), first.end(), key), end; found != end; ++found) {
      keys[verb].insert((*found)[1]);
    }
  }
  return keys;
}

TEST(ConfigsReadme, ExplainsEveryKeyAndNoOther) {
  const auto keys = documented();
  for (const auto& [verb, table] : tables()) {
    SCOPED_TRACE(verb);
    ASSERT_TRUE(keys.contains(verb));
    std::set<std::string> names;
    for (const Option& option : table) {
      // plan's own keys: it takes decompose's as well.
      if (verb != "plan" || !keys.at("decompose").contains(option.name)) names.insert(option.name);
    }
    EXPECT_EQ(keys.at(verb), names);
  }
}

TEST(Options, OfOneNameMeanTheSameInEveryVerb) {
  // One INI file may serve several verbs.
  std::map<std::string, std::string> first;
  for (const auto& [verb, table] : tables()) {
    if (verb == "query" || verb == "inspect" || verb == "tokenize" || verb == "report" ||
        verb == "verify" || verb == "find" || verb.starts_with("store ")) {
      continue;
    }  // read no file
    for (const Option& option : table) {
      const auto [known, added] = first.emplace(option.name, option.value);
      EXPECT_EQ(known->second, option.value) << "--" << option.name << " of " << verb;
    }
  }
}

TEST(Configs, EveryFileIsReadByItsVerb) {
  for (const auto& entry :
       std::filesystem::directory_iterator(EXPLAIND_TEST_DATA "/../../configs")) {
    if (entry.path().extension() != ".ini") continue;
    SCOPED_TRACE(entry.path().filename());
    RecordOptions record;
    EXPECT_NO_THROW(parse_options("record", {"--config", entry.path().string()},
                                  option_table(record), "", all_option_names()));
    if (!record.history.empty()) continue;
    DecomposeOptions options;
    EXPECT_NO_THROW(parse_options("decompose", {"--config", entry.path().string()},
                                  option_table(options), "", all_option_names()));
    EXPECT_FALSE(options.series.empty());
  }
}

}  // namespace
}  // namespace explaind
