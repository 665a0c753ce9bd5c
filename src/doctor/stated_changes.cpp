#include "doctor/stated_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace explaind {
namespace {

using Kind = Finding::Kind;
using Checkpoints = std::vector<ExaminedCheckpoint>;

/// A place in a row of values where they change.
struct Change {
  size_t at;      ///< the first that is different
  size_t before;  ///< one that it is different from
  bool alone;     ///< those around it agree
};

/// Where `same(a, b)` is false between neighbours of those that have a value.
template <typename Same>
std::vector<Change> changes_of(const std::vector<size_t>& with_value, const Same& same) {
  std::vector<Change> changes;
  const size_t n = with_value.size();
  if (n < 2) return changes;
  const auto equal = [&](size_t a, size_t b) { return same(with_value[a], with_value[b]); };
  size_t i = 1;
  if (n > 3 && !equal(0, 1) && equal(1, 2)) {
    changes.push_back({with_value[0], with_value[1], true});
    i = 2;
  }
  for (; i < n; ++i) {
    if (equal(i - 1, i)) continue;
    const bool alone = n > 3 && (i + 1 == n ? equal(i - 2, i - 1) : equal(i - 1, i + 1));
    changes.push_back({with_value[i], with_value[i - 1], alone});
    if (alone) ++i;  // the next one is as those before
  }
  return changes;
}

std::string since(const Change& change, const Checkpoints& checkpoints) {
  return change.alone
             ? fmt::format("at step {}", checkpoints[change.before].step)
             : fmt::format("at step {}, and this from here on", checkpoints[change.before].step);
}

/// Keys of a config that say nothing of the model.
constexpr std::array<const char*, 6> cosmetic{"transformers_version", "_name_or_path", "use_cache",
                                              "torch_dtype",          "dtype",         "auto_map"};

nlohmann::json meaning_of(nlohmann::json config) {
  for (const char* key : cosmetic) config.erase(key);
  return config;
}

std::string short_text(const nlohmann::json& value) {
  const std::string text = value.dump();
  return text.size() > 60 ? text.substr(0, 57) + "…" : text;
}

std::string config_difference(const nlohmann::json& here, const nlohmann::json& there) {
  std::vector<std::string> words;
  std::set<std::string> keys;
  for (const nlohmann::json* each : {&here, &there}) {
    for (const auto& [key, value] : each->items()) keys.insert(key);
  }
  for (const std::string& key : keys) {
    const bool is_here = here.contains(key), is_there = there.contains(key);
    if (is_here && is_there && here[key] == there[key]) continue;
    words.push_back(fmt::format("{} is {} here, {} there", key,
                                is_here ? short_text(here[key]) : "missing",
                                is_there ? short_text(there[key]) : "missing"));
  }
  return some_of(words);
}

std::vector<Finding> config_changes(const Checkpoints& checkpoints) {
  std::vector<size_t> with;
  std::vector<nlohmann::json> configs(checkpoints.size());
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    if (!checkpoints[i].config.is_object()) continue;
    with.push_back(i);
    configs[i] = meaning_of(checkpoints[i].config);
  }
  std::vector<Finding> findings;
  for (const Change& change :
       changes_of(with, [&](size_t a, size_t b) { return configs[a] == configs[b]; })) {
    findings.push_back(
        {.kind = Kind::config_change,
         .checkpoints = {change.at},
         .where = "config.json",
         .text = fmt::format("config.json is another one than {}: {}", since(change, checkpoints),
                             config_difference(configs[change.at], configs[change.before]))});
  }
  return findings;
}

/// Of JSON files what they say, of others their bytes.
bool same_file(const std::string& name, const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (name != "tokenizer_config.json" && name != "special_tokens_map.json") return false;
  const nlohmann::json one = nlohmann::json::parse(a, nullptr, false),
                       other = nlohmann::json::parse(b, nullptr, false);
  return !one.is_discarded() && one == other;
}

std::vector<Finding> tokenizer_changes(const Checkpoints& checkpoints) {
  std::set<std::string> names;
  for (const ExaminedCheckpoint& each : checkpoints) {
    for (const auto& [name, content] : each.tokenizer) names.insert(name);
  }
  std::vector<Finding> findings;
  for (const std::string& name : names) {
    std::vector<size_t> with;
    for (size_t i = 0; i < checkpoints.size(); ++i) {
      if (checkpoints[i].tokenizer.contains(name)) with.push_back(i);
    }
    for (const Change& change : changes_of(with, [&](size_t a, size_t b) {
           return same_file(name, checkpoints[a].tokenizer.at(name),
                            checkpoints[b].tokenizer.at(name));
         })) {
      findings.push_back(
          {.kind = Kind::tokenizer_change,
           .checkpoints = {change.at},
           .where = name,
           .text = fmt::format("{} is another one than {}", name, since(change, checkpoints))});
    }
  }
  return findings;
}

std::vector<size_t> with_weights(const Checkpoints& checkpoints) {
  std::vector<size_t> with;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    if (!checkpoints[i].tensors.empty()) with.push_back(i);
  }
  return with;
}

std::vector<Finding> dtype_changes(const Checkpoints& checkpoints) {
  const auto differing = [&](size_t a, size_t b) {
    std::vector<std::string> names;
    for (const auto& [name, placed] : checkpoints[a].tensors) {
      const PlacedTensor* other = checkpoints[b].tensor(name);
      if (other != nullptr && other->view.dtype != placed.view.dtype) names.push_back(name);
    }
    return names;
  };
  std::vector<Finding> findings;
  for (const Change& change : changes_of(with_weights(checkpoints), [&](size_t a, size_t b) {
         return differing(a, b).empty();
       })) {
    const std::vector<std::string> names = differing(change.at, change.before);
    findings.push_back(
        {.kind = Kind::dtype_change,
         .checkpoints = {change.at},
         .where = names.size() == 1 ? names.front() : "",
         .text = fmt::format("{} stored as {} here, {} {}", some_of(names),
                             to_string(checkpoints[change.at].tensor(names[0])->view.dtype),
                             to_string(checkpoints[change.before].tensor(names[0])->view.dtype),
                             since(change, checkpoints))});
  }
  return findings;
}

std::vector<Finding> tensor_changes(const Checkpoints& checkpoints) {
  const auto differing = [&](size_t a, size_t b) {
    std::vector<std::string> words;
    for (const auto& [name, placed] : checkpoints[a].tensors) {
      const PlacedTensor* other = checkpoints[b].tensor(name);
      if (other == nullptr) {
        words.push_back(name + " is here only");
      } else if (other->view.shape != placed.view.shape) {
        words.push_back(fmt::format("{} is {} here, {} there", name,
                                    shape_to_string(placed.view.shape),
                                    shape_to_string(other->view.shape)));
      }
    }
    for (const auto& [name, placed] : checkpoints[b].tensors) {
      if (checkpoints[a].tensor(name) == nullptr) words.push_back(name + " is missing here");
    }
    return words;
  };
  std::vector<size_t> whole;  // what a missing file took away is said already
  for (const size_t i : with_weights(checkpoints)) {
    if (checkpoints[i].whole) whole.push_back(i);
  }
  std::vector<Finding> findings;
  for (const Change& change :
       changes_of(whole, [&](size_t a, size_t b) { return differing(a, b).empty(); })) {
    findings.push_back({.kind = Kind::tensor_change,
                        .checkpoints = {change.at},
                        .where = "",
                        .text = fmt::format("other tensors than {}: {}", since(change, checkpoints),
                                            some_of(differing(change.at, change.before)))});
  }
  return findings;
}

/// A pair of neighbouring checkpoints, as a difference or a factor of their steps.
std::vector<double> spacings(const Checkpoints& checkpoints, bool factors) {
  std::vector<double> found;
  for (size_t i = 0; i + 1 < checkpoints.size(); ++i) {
    const auto a = static_cast<double>(checkpoints[i].step),
               b = static_cast<double>(checkpoints[i + 1].step);
    found.push_back(!factors ? b - a : a > 0 ? std::log(b / a) : 0);
  }
  return found;
}

/// How many spacings long `gap` is, 1 where it is no gap: those next to it on both sides, two in
/// all on each where there are as many, are the same.
int64_t spacings_in(const std::vector<double>& spacing, size_t gap) {
  const auto same = [](double a, double b) { return std::abs(a - b) <= .01 * b; };
  for (const size_t reach : {size_t{1}, size_t{2}, size_t{3}}) {  // another gap may be near
    for (const std::ptrdiff_t side : {-1, 1}) {
      const std::ptrdiff_t at =
          static_cast<std::ptrdiff_t>(gap) + side * static_cast<std::ptrdiff_t>(reach);
      if (at < 0 || at >= static_cast<std::ptrdiff_t>(spacing.size())) continue;
      const double unit = spacing[static_cast<size_t>(at)];
      if (unit <= 0) continue;
      size_t left = 0, right = 0, most_left = 0, most_right = 0;
      for (size_t k = 1; k <= 4; ++k) {
        if (k <= gap) {
          ++most_left;
          left += same(spacing[gap - k], unit) ? 1 : 0;
        }
        if (gap + k < spacing.size()) {
          ++most_right;
          right += same(spacing[gap + k], unit) ? 1 : 0;
        }
      }
      const double times = spacing[gap] / unit;
      if (left < std::max<size_t>(1, std::min<size_t>(2, most_left)) ||
          right < std::max<size_t>(1, std::min<size_t>(2, most_right)) || left + right < 3 ||
          times < 1.9 || std::abs(times - std::round(times)) > .02 * times) {
        continue;
      }
      return std::llround(times);
    }
  }
  return 1;
}

}  // namespace

std::vector<Finding> find_changes(const std::vector<ExaminedCheckpoint>& checkpoints) {
  std::vector<Finding> findings;
  for (const auto& find : {dtype_changes, tensor_changes, config_changes, tokenizer_changes}) {
    for (Finding& each : find(checkpoints)) findings.push_back(std::move(each));
  }
  return findings;
}

std::vector<Finding> find_gaps(const std::vector<ExaminedCheckpoint>& checkpoints) {
  const std::vector<double> even = spacings(checkpoints, false),
                            factors = spacings(checkpoints, true);
  std::vector<Finding> findings;
  for (size_t i = 0; i < even.size(); ++i) {
    int64_t times = spacings_in(even, i);
    const bool by_factors = times == 1;
    if (by_factors) times = spacings_in(factors, i);
    if (times == 1) continue;
    findings.push_back(
        {.kind = Kind::step_gap,
         .checkpoints = {i + 1},
         .where = "",
         .text = fmt::format("between steps {} and {} {} {} missing: around them steps {}",
                             checkpoints[i].step, checkpoints[i + 1].step, times - 1,
                             times == 2 ? "is" : "are",
                             by_factors ? "grow by one factor" : "are evenly spaced")});
  }
  return findings;
}

std::vector<Finding> find_bad_weights(const std::vector<ExaminedCheckpoint>& checkpoints,
                                      const PassTable& table) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    std::vector<std::string> names;
    int64_t nan = 0, infinite = 0;
    for (const auto& [name, sums] : table.tensors) {
      if (sums[i] == nullptr || sums[i]->nan + sums[i]->infinite == 0) continue;
      names.push_back(name);
      nan += sums[i]->nan;
      infinite += sums[i]->infinite;
    }
    if (!names.empty()) {
      findings.push_back({.kind = Kind::not_finite,
                          .checkpoints = {i},
                          .where = names.size() == 1 ? names.front() : "",
                          .text = fmt::format("{} NaN and {} infinite weights in {}", nan, infinite,
                                              some_of(names))});
    }
  }
  return findings;
}

}  // namespace explaind
