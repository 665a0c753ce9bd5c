#include "checkpoint/step_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr std::array<std::string_view, 5> group_names{"step", "stage", "phase", "seed", "tokens"};
constexpr const char* pattern_example =
    R"(For example --step-pattern 'run-(?<step>\d+)-v2'; groups are step, stage, phase, seed and )"
    "tokens";

[[noreturn]] void refuse_pattern(const std::string& problem) {
  throw UsageError("--step-pattern", problem, pattern_example);
}

/// The pattern with its named groups as plain ones, whose numbers go into `groups`.
std::string without_names(const std::string& pattern, std::map<std::string, size_t>& groups) {
  std::string plain;
  size_t count = 0;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    plain += pattern[i];
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      plain += pattern[++i];
    } else if (in_class || pattern[i] == '[') {
      in_class = pattern[i] != ']';
    } else if (pattern[i] == '(') {
      const std::string_view rest = std::string_view(pattern).substr(i + 1);
      const size_t begin = rest.starts_with("?<") ? 2 : rest.starts_with("?P<") ? 3 : 0;
      if (begin == 0) {
        count += rest.starts_with("?") ? 0 : 1;
        continue;
      }
      const size_t end = std::min(rest.find('>'), rest.size());
      const std::string name(rest.substr(begin, end - begin));
      if (std::find(group_names.begin(), group_names.end(), name) == group_names.end()) {
        refuse_pattern("knows no group '" + name + "'");
      }
      if (!groups.emplace(name, ++count).second) refuse_pattern("has two groups '" + name + "'");
      i += end + 1;
    }
  }
  return plain;
}

/// "stage1" of 1, and what is more than a number as it is.
std::string named_part(const std::string& word, const std::string& value) {
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
  return small_letters(number ? word + value : value);
}

}  // namespace

StepPattern::StepPattern(const std::string& pattern) {
  const std::string plain = without_names(pattern, groups_);
  if (!groups_.contains("step")) refuse_pattern("has no group (?<step>…)");
  try {
    expression_ = std::regex(plain, std::regex::ECMAScript);
  } catch (const std::regex_error& error) {
    refuse_pattern("'" + pattern + "' is no regular expression: " + error.what());
  }
}

StepName StepPattern::read(const std::string& name) const {
  std::smatch found;
  StepName read;
  if (!std::regex_match(name, found, expression_)) {
    read.doubt = "--step-pattern does not fit it";
    return read;
  }
  const auto group = [&](const char* word) {
    const auto number = groups_.find(word);
    return number == groups_.end() ? std::string() : found[number->second].str();
  };
  read.step = parse_short_step(group("step"));
  if (!read.step) {
    read.doubt = fmt::format(
        "the group step of --step-pattern holds \"{}\" there, which is no "
        "number that fits 64 bits",
        group("step"));
    return read;
  }
  const std::string stage = named_part("stage", group("stage"));
  const std::string phase = named_part("phase", group("phase"));
  read.part = stage + (stage.empty() || phase.empty() ? "" : "-") + phase;
  read.seed = small_letters(group("seed"));
  if (const std::string tokens = group("tokens"); !tokens.empty()) {
    read.tokens = parse_tokens(tokens);
    if (!read.tokens) {
      read.step.reset();
      read.doubt = fmt::format(
          "the group tokens of --step-pattern holds \"{}\" there, which is no "
          "count (as 5B or 4194304000)",
          tokens);
    }
  }
  return read;
}

}  // namespace explaind
