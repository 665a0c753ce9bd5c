#include "decomposition/step_selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <sstream>

#include "core/error.hpp"

namespace explaind {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw UsageError("--steps", "'" + text + "' is not understood",
                   "Use all, top:FRACTION (0 to 1), every:N, list:STEP,STEP,… or range:FIRST-LAST");
}

template <typename Number>
Number number_in(const std::string& word, const std::string& text) {
  Number value{};
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc{} || end != word.data() + word.size()) refuse(text);
  return value;
}

std::vector<bool> kept_of_top(double fraction, const std::vector<double>& change) {
  const double wanted = std::ceil(fraction * static_cast<double>(change.size()));
  std::vector<size_t> order(change.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return change[a] > change[b]; });
  std::vector<bool> kept(change.size(), false);
  for (size_t i = 0; i < std::min(order.size(), static_cast<size_t>(wanted)); ++i) {
    kept[order[i]] = true;
  }
  return kept;
}

/// The segment that begins at a step.
size_t beginning_at(int64_t step, const std::vector<int64_t>& steps) {
  const auto found = std::find(steps.begin(), steps.end() - 1, step);
  if (found == steps.end() - 1) {
    throw DataError("--steps",
                    fmt::format("no segment begins at step {}: they begin at steps {} to {}", step,
                                steps.front(), steps[steps.size() - 2]),
                    "See explaind inspect for the steps of the series");
  }
  return static_cast<size_t>(found - steps.begin());
}

std::vector<bool> kept_of_list(const std::vector<int64_t>& listed,
                               const std::vector<int64_t>& steps) {
  std::vector<bool> kept(steps.size() - 1, false);
  for (const int64_t step : listed) kept[beginning_at(step, steps)] = true;
  return kept;
}

std::vector<PointPair> pairs_of_range(const std::vector<int64_t>& ends,
                                      const std::vector<int64_t>& steps) {
  std::vector<PointPair> pairs;
  const size_t last = beginning_at(ends[1], steps);
  for (size_t i = beginning_at(ends[0], steps); i <= last; ++i) pairs.push_back({i, i + 1});
  return pairs;
}

/// Segments that are kept as they are; the others left out, or joined to runs.
std::vector<PointPair> pairs_of(const std::vector<bool>& kept, StepPolicy policy) {
  std::vector<PointPair> pairs;
  bool open = false;  // the last pair is a run that may grow
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) {
      pairs.push_back({i, i + 1});
      open = false;
    } else if (policy != StepPolicy::drop && open) {
      pairs.back().to = i + 1;
    } else if (policy != StepPolicy::drop) {
      pairs.push_back({i, i + 1});
      open = true;
    }
  }
  return pairs;
}

}  // namespace

StepPolicy parse_step_policy(const std::string& word) {
  if (word == "drop") return StepPolicy::drop;
  if (word == "merge") return StepPolicy::merge;
  if (word == "sum") return StepPolicy::sum;
  throw UsageError("--step-policy", "'" + word + "' is not available", "Use drop, merge or sum");
}

StepSelection StepSelection::parse(const std::string& text) {
  StepSelection selection;
  if (text == "all") return selection;
  const size_t colon = text.find(':');
  if (colon == std::string::npos) refuse(text);
  const std::string kind = text.substr(0, colon), rest = text.substr(colon + 1);
  if (kind == "top") {
    selection.kind = Kind::top;
    selection.fraction = number_in<double>(rest, text);
    if (!(selection.fraction > 0 && selection.fraction <= 1)) refuse(text);
  } else if (kind == "every") {
    selection.kind = Kind::every;
    selection.every = number_in<int64_t>(rest, text);
    if (selection.every < 1) refuse(text);
  } else if (kind == "list") {
    selection.kind = Kind::list;
    std::istringstream words(rest);
    for (std::string word; std::getline(words, word, ',');) {
      selection.steps.push_back(number_in<int64_t>(word, text));
    }
    if (selection.steps.empty()) refuse(text);
  } else if (kind == "range") {
    selection.kind = Kind::range;
    const size_t dash = rest.find('-');
    if (dash == std::string::npos) refuse(text);
    selection.steps = {number_in<int64_t>(rest.substr(0, dash), text),
                       number_in<int64_t>(rest.substr(dash + 1), text)};
    if (selection.steps[0] < 0 || selection.steps[0] > selection.steps[1]) refuse(text);
  } else {
    refuse(text);
  }
  return selection;
}

std::vector<PointPair> select_segments(const StepSelection& selection, StepPolicy policy,
                                       const std::vector<int64_t>& steps,
                                       const std::vector<double>& change) {
  const size_t segments = steps.size() - 1;
  using Kind = StepSelection::Kind;
  if (selection.kind == Kind::top) return pairs_of(kept_of_top(selection.fraction, change), policy);
  if (selection.kind == Kind::list) return pairs_of(kept_of_list(selection.steps, steps), policy);
  if (selection.kind == Kind::range) return pairs_of_range(selection.steps, steps);
  const size_t stride = selection.kind == Kind::every ? static_cast<size_t>(selection.every) : 1;
  std::vector<PointPair> pairs;
  for (size_t first = 0; first < segments; first += stride) {
    const size_t last = policy == StepPolicy::drop ? first + 1 : std::min(first + stride, segments);
    pairs.push_back({first, last});
  }
  return pairs;
}

}  // namespace explaind
