// The one grammar of selections, rule by rule.

#include "core/selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

/// The values that a selection chooses.
Texts chosen(const std::string& text, const Texts& values, bool number = false) {
  const std::vector<bool> marks = Selection(text, "--select", "name=").among(values, number);
  Texts found;
  for (size_t i = 0; i < values.size(); ++i) {
    if (marks[i]) found.push_back(values[i]);
  }
  return found;
}

template <typename Expected>
std::string refusal(const std::string& text, const Texts& values) {
  try {
    static_cast<void>(chosen(text, values));
  } catch (const Expected& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Selection, AlternativesPatternsAndRanges) {
  EXPECT_EQ(chosen("de|fr", {"de", "en", "fr"}), (Texts{"de", "fr"}));
  EXPECT_EQ(chosen("*.mlp.*|head", {"l0.mlp.up", "mlp.up", "l0.mlp", "head"}),
            (Texts{"l0.mlp.up", "head"}));
  EXPECT_EQ(chosen("a*a", {"a", "aa", "aba", "ab"}), (Texts{"aa", "aba"}));
  EXPECT_EQ(chosen("*a*b*", {"ab", "ba", "xaxbx"}), (Texts{"ab", "xaxbx"}));
  EXPECT_EQ(chosen("*", {"", "a"}), (Texts{"", "a"}));
  EXPECT_EQ(chosen("0:2|7:", {"-1", "0", "2", "3", "7", "99"}, true), (Texts{"0", "2", "7", "99"}));
  EXPECT_EQ(chosen(":0|2:2", {"-1", "0", "2", "3"}, true), (Texts{"-1", "0", "2"}));
  EXPECT_EQ(chosen("1:10", {"2", "10", "11", "x"}), (Texts{"2", "10"})) << "texts that are numbers";
  EXPECT_EQ(chosen("7.0", {"7", "70"}, true), (Texts{"7"}));
  EXPECT_EQ(refusal<DataError>("07", {"7"}).find("accepted"), std::string::npos);
}

TEST(Selection, NothingButAStarIsAPattern) {
  EXPECT_EQ(chosen("a?[b]", {"a?[b]", "axb"}), (Texts{"a?[b]"}));
}

TEST(Selection, ABackslashMakesAnyOfThemOrdinary) {
  const Texts odd = {"a|b", "a:b", "a*b", "a\\b", "a,b", "axb", "a", "b"};
  EXPECT_EQ(chosen("a\\|b", odd), (Texts{"a|b"}));
  EXPECT_EQ(chosen("a\\:b", odd), (Texts{"a:b"}));
  EXPECT_EQ(chosen("a\\*b", odd), (Texts{"a*b"}));
  EXPECT_EQ(chosen("a\\\\b", odd), (Texts{"a\\b"}));
  EXPECT_EQ(chosen("a\\,b", odd), (Texts{"a,b"}));
  EXPECT_EQ(chosen("a\\|b|a\\:*", odd), (Texts{"a|b", "a:b"}));
  for (const std::string& value : odd) EXPECT_EQ(chosen(escaped(value), odd), Texts{value});
  EXPECT_THAT(refusal<UsageError>("a\\", odd), HasSubstr("lone \\"));
  EXPECT_THAT(refusal<UsageError>("a:b", odd), HasSubstr("a\\:b"));
}

TEST(Selection, AnEmptyAlternativeIsTheEmptyText) {
  EXPECT_EQ(chosen("", {"", "de"}), Texts{""});
  EXPECT_EQ(chosen("de|", {"", "de", "fr"}), (Texts{"", "de"}));
}

TEST(Selection, WhatNothingHasIsNamedWithWhatThereIs) {
  EXPECT_THAT(refusal<DataError>("de|it", {"de", "en", "de", "a|b"}),
              AllOf(HasSubstr("nothing has name=it"), HasSubstr("de, en, a\\|b")));
  EXPECT_THAT(refusal<DataError>("5:9", {"1", "2"}), HasSubstr("name=5:9"));
  Texts many;
  for (int i = 0; i < 30; ++i) many.push_back(std::to_string(i));
  EXPECT_THAT(refusal<DataError>("x", many),
              AllOf(HasSubstr("29 (30 in all)"), HasSubstr("0, 1,")));
  for (const char* broken : {"1:2:3", "x:3", "3:x", "5:4", "1*:3"}) {
    EXPECT_THAT(refusal<UsageError>(broken, many), HasSubstr(broken));
  }
}

TEST(Selection, OfStretchesAValueIsTheEndAndARangeHoldsThem) {
  const Texts from = {"0", "10", "100"}, to = {"10", "100", "1000"};
  const auto stretches = [&](const std::string& text) {
    return Selection(text, "--select", "step=").among_stretches(from, to);
  };
  EXPECT_EQ(stretches("100"), (std::vector<bool>{false, true, false}));
  EXPECT_EQ(stretches("0:100"), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(stretches("5:"), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(stretches("10|100:1000"), (std::vector<bool>{true, false, true}));
  EXPECT_THROW(stretches("20:90"), DataError);
}

TEST(Selection, SplitsAtWhatIsNotEscaped) {
  EXPECT_EQ(split_unescaped("a\\,b,c,", ','), (Texts{"a\\,b", "c", ""}));
}

TEST(Counted, KnowsOne) {
  EXPECT_EQ(counted(1, "sample"), "1 sample");
  EXPECT_EQ(counted(0, "sample"), "0 samples");
  EXPECT_EQ(counted(2, "entry", "entries"), "2 entries");
}

}  // namespace
}  // namespace explaind
