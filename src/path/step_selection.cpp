#include "path/step_selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace explaind {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw UsageError(
      "--steps", "'" + text + "' is not understood",
      "Use all, top:FRACTION (0 to 1), every:N, list:STEP|STEP|FIRST:LAST or range:FIRST:LAST");
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

std::vector<PointPair> pairs_of_range(const StepSelection& selection,
                                      const std::vector<int64_t>& steps) {
  std::vector<PointPair> pairs;
  const size_t first = selection.first ? beginning_at(*selection.first, steps) : 0;
  const size_t last = selection.last ? beginning_at(*selection.last, steps) : steps.size() - 2;
  for (size_t i = first; i <= last; ++i) pairs.push_back({i, i + 1});
  return pairs;
}

std::vector<bool> kept_of_list(const Selection& list, const std::vector<int64_t>& steps) {
  std::vector<std::string> begins;
  for (size_t i = 0; i + 1 < steps.size(); ++i) begins.push_back(std::to_string(steps[i]));
  return list.among(begins, true);
}

/// Steps and ranges of them; commas between them are read too.
Selection list_in(std::string words, const std::string& text) {
  std::replace(words.begin(), words.end(), ',', '|');
  Selection list(words, "--steps", "the first step ");
  for (const Selection::Alternative& each : list.alternatives()) {
    const bool pattern = each.pieces.size() > 1;
    if (!each.range && !pattern) static_cast<void>(number_in<int64_t>(each.pieces.front(), text));
  }
  return list;
}

/// FIRST:LAST, or FIRST-LAST.
void read_range(StepSelection& selection, const std::string& words, const std::string& text) {
  const size_t colon = words.find(':');
  const size_t middle = colon != std::string::npos ? colon : words.find('-');
  if (middle == std::string::npos) refuse(text);
  const std::string first = words.substr(0, middle), last = words.substr(middle + 1);
  const bool open = colon != std::string::npos;
  if (!open || !first.empty()) selection.first = number_in<int64_t>(first, text);
  if (!open || !last.empty()) selection.last = number_in<int64_t>(last, text);
  if (selection.first.value_or(0) < 0 ||
      selection.first.value_or(0) > selection.last.value_or(INT64_MAX)) {
    refuse(text);
  }
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
    selection.list = list_in(rest, text);
  } else if (kind == "range") {
    selection.kind = Kind::range;
    read_range(selection, rest, text);
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
  if (selection.kind == Kind::list) return pairs_of(kept_of_list(*selection.list, steps), policy);
  if (selection.kind == Kind::range) return pairs_of_range(selection, steps);
  const size_t stride = selection.kind == Kind::every ? static_cast<size_t>(selection.every) : 1;
  std::vector<PointPair> pairs;
  for (size_t first = 0; first < segments; first += stride) {
    const size_t last = policy == StepPolicy::drop ? first + 1 : std::min(first + stride, segments);
    pairs.push_back({first, last});
  }
  return pairs;
}

}  // namespace explaind
