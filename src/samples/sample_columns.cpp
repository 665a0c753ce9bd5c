#include "samples/sample_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <vector>

namespace explaind {
namespace {

using nlohmann::json;

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`.
size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> least(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        least[i][j] = i + j;
        continue;
      }
      least[i][j] = std::min({least[i - 1][j] + 1, least[i][j - 1] + 1,
                              least[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        least[i][j] = std::min(least[i][j], least[i - 2][j - 2] + 1);
      }
    }
  }
  return least[a.size()][b.size()];
}

/// In lower case, with - as _.
std::string plain(const std::string& key) {
  std::string small = key;
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::replace(small.begin(), small.end(), '-', '_');
  return small;
}

/// The known key that `key` is a slip of; empty where it is none.
std::string_view meant(const std::string& key, const json& value, size_t tokens) {
  constexpr std::array<std::string_view, 4> known{"labels", "group", "attention_mask", "input_ids"};
  const std::string small = plain(key);
  // "label" with a class number is a column of many data sets; a list as long as the tokens is not.
  const bool list = value.is_array() && tokens > 0 && value.size() == tokens;
  for (const std::string_view each : known) {
    const bool per_token = each != "group";
    if (small == each && key != each) return each;
    if (key != each && slips(small, each) <= (each.size() < 6 ? 1U : 2U) && (list || !per_token)) {
      return each;
    }
  }
  return {};
}

bool counts_up(const json& value) {
  if (!value.is_array()) return false;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != json(i)) return false;
  }
  return true;
}

/// Says of every token whether something holds of it, and not of all of them that it does. A
/// tokenizer marks its special tokens without meaning anything for the loss.
bool masks_tokens(const std::string& key, const json& value, size_t tokens) {
  const std::string small = plain(key);
  if (!small.ends_with("mask") || small == "special_tokens_mask") return false;
  if (!value.is_array() || tokens == 0 || value.size() != tokens) return false;
  return std::any_of(value.begin(), value.end(),
                     [](const json& each) { return each != json(1) && each != json(true); });
}

}  // namespace

bool may_matter(const std::string& key) {
  static const std::set<std::string> known{"id",           "group",     "text",   "prompt",
                                           "completion",   "good",      "bad",    "sentence_good",
                                           "sentence_bad", "input_ids", "labels", "attention_mask"};
  // A list as long as the tokens, which neither counts up nor says 1.
  return known.contains(key) || !why_not_ignored(key, json::array({7}), 1).empty();
}

std::string why_not_ignored(const std::string& key, const json& value, size_t tokens) {
  static const std::set<std::string> masks{"loss_mask",       "label_mask",      "labels_mask",
                                           "completion_mask", "assistant_masks", "assistant_mask",
                                           "loss_weights",    "token_weights",   "prompt_mask"};
  if (value.is_null()) return "";
  if (const std::string_view known = meant(key, value, tokens); !known.empty()) {
    return fmt::format("unknown key '{}': did you mean '{}'", key, known);
  }
  if (masks.contains(key)) {
    return fmt::format("'{}' is not obeyed: a token that is not to be predicted has the label -100",
                       key);
  }
  if (masks_tokens(key, value, tokens)) {
    return fmt::format(
        "'{}' is not obeyed: a token that is not to be predicted has the label -100. Leave the "
        "column out where it means something else",
        key);
  }
  if (key == "position_ids" && !counts_up(value)) {
    return "'position_ids' other than 0, 1, 2, … are not obeyed";
  }
  return "";
}

}  // namespace explaind
