#include "report/comparison.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/error.hpp"
#include "report/packed.hpp"
#include "report/report_source.hpp"
#include "report/score_table.hpp"

namespace explaind {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const ReportSource& first, const ReportSource& second,
                         const std::string& why, const std::string& remedy) {
  throw DataError(second.store().path(),
                  fmt::format("cannot be compared with {}: {}", first.store().path(), why), remedy);
}

std::string said(const ReportSource& source, const char* key) {
  return source.configuration().value(key, std::string("?"));
}

std::set<std::string> parts_of(const ReportSource& source) {
  const AxisCoordinates& component = *source.axis("component");
  const Coordinate *layer = component.find("layer"), *kind = component.find("kind");
  std::set<std::string> parts;
  for (size_t i = 0; layer != nullptr && kind != nullptr && i < layer->values.size(); ++i) {
    parts.insert(kind->values[i] + " of layer " + layer->values[i]);
  }
  return parts;
}

void require_comparable(const ReportSource& first, const ReportSource& second) {
  if (said(first, "functional") != said(second, "functional")) {
    refuse(first, second,
           fmt::format("it explains {}, the other {}", said(second, "functional"),
                       said(first, "functional")),
           "Give two stores of one functional");
  }
  const std::string unit = first.store().unit("psi"), other_unit = second.store().unit("psi");
  if (unit != other_unit || first.output() != second.output()) {
    refuse(first, second, "their scores are of other units or outputs",
           "Give two stores of one functional");
  }
  if (first.cohort_scores() != second.cohort_scores()) {
    refuse(first, second, "one holds sums over samples, the other means",
           "Make both with the same --group-reduce");
  }
  const std::set<std::string> parts = parts_of(first), others = parts_of(second);
  if (parts == others && !parts.empty()) return;
  std::vector<std::string> apart;
  std::set_symmetric_difference(parts.begin(), parts.end(), others.begin(), others.end(),
                                std::back_inserter(apart));
  const size_t more = apart.size() > 3 ? apart.size() - 3 : 0;
  apart.resize(apart.size() - more);
  refuse(first, second,
         fmt::format("only one of them has {}{}", fmt::join(apart, ", "),
                     more > 0 ? fmt::format(" (and {} more)", more) : ""),
         "Give two stores of models with the same layers, by the same --component");
}

/// Where a segment begins, by step; the store's number of segments at its end.
std::map<int64_t, size_t> beginnings(const ReportSource& source) {
  const AxisCoordinates& segment = *source.axis("segment");
  const std::vector<std::string>& from = segment.find("step_from")->values;
  const std::vector<std::string>& to = segment.find("step_to")->values;
  std::map<int64_t, size_t> found;
  for (size_t s = 0; s < from.size(); ++s) found.emplace(std::stoll(from[s]), s);
  found.emplace(std::stoll(to.back()), from.size());
  return found;
}

/// True where each segment from `first` to before `end` begins where the one before it ends.
bool joined(const ReportSource& source, size_t first, size_t end) {
  const AxisCoordinates& segment = *source.axis("segment");
  for (size_t s = first + 1; s < end; ++s) {
    if (segment.find("step_from")->values[s] != segment.find("step_to")->values[s - 1]) {
      return false;
    }
  }
  return end > first && segment.find("step_to")->values[end - 1] ==
                            (end < source.segments() ? segment.find("step_from")->values[end]
                                                     : segment.find("step_to")->values[end - 1]);
}

/// Gives both the columns between steps that both have.
void share_columns(ReportSource& first, ReportSource& second) {
  const std::map<int64_t, size_t> a = beginnings(first), b = beginnings(second);
  std::vector<int64_t> common;
  for (const auto& [step, place] : a) {
    if (b.contains(step)) common.push_back(step);
  }
  struct Both {
    StepColumn first, second;
    size_t joined = 1;
  };
  std::vector<Both> columns;
  const size_t most_joined = common.size() / most_columns + 1;
  for (size_t i = 1; i < common.size(); ++i) {
    const int64_t from = common[i - 1], to = common[i];
    if (a.at(from) >= a.at(to) || b.at(from) >= b.at(to)) continue;
    if (!joined(first, a.at(from), a.at(to)) || !joined(second, b.at(from), b.at(to))) continue;
    const Both next{{a.at(from), a.at(to) - 1, from, to}, {b.at(from), b.at(to) - 1, from, to}};
    // Of very many steps neighbours share a column, as in a single store.
    if (!columns.empty() && columns.back().joined < most_joined &&
        columns.back().first.last + 1 == next.first.first &&
        columns.back().second.last + 1 == next.second.first) {
      columns.back().first.last = next.first.last;
      columns.back().second.last = next.second.last;
      columns.back().first.step_to = columns.back().second.step_to = to;
      ++columns.back().joined;
    } else {
      columns.push_back(next);
    }
  }
  if (columns.empty()) {
    refuse(first, second, "they have no two neighbouring training steps in common",
           "Give stores whose segments begin and end at some of the same steps");
  }
  std::vector<StepColumn> of_first, of_second;
  for (const Both& column : columns) {
    of_first.push_back(column.first);
    of_second.push_back(column.second);
  }
  first.use_columns(std::move(of_first));
  second.use_columns(std::move(of_second));
}

/// Places of a store's parts in the order of the other's.
std::vector<size_t> order_of(const ScoreTable& table, const ScoreTable& like) {
  std::vector<size_t> order;
  for (const auto& part : like.parts) {
    const auto found = std::find(table.parts.begin(), table.parts.end(), part);
    order.push_back(static_cast<size_t>(found - table.parts.begin()));
  }
  return order;
}

/// Columns × (all, then the groups that both have) × parts.
json scores_of(const ScoreTable& all, const ScoreTable& apart, const std::vector<size_t>& order,
               const std::vector<size_t>& cohorts) {
  std::vector<double> values;
  for (size_t s = 0; s < all.steps; ++s) {
    for (const size_t part : order) values.push_back(all.at(s, 0, part));
    for (const size_t cohort : cohorts) {
      for (const size_t part : order) values.push_back(apart.at(s, cohort - 1, part));
    }
  }
  return packed({all.steps, 1 + cohorts.size(), order.size()}, values);
}

/// Places among the cohorts, of labels that both have.
std::pair<std::vector<size_t>, std::vector<size_t>> shared_cohorts(const ReportSource& first,
                                                                   const ReportSource& second) {
  std::pair<std::vector<size_t>, std::vector<size_t>> places;
  if (first.cohort_coordinate() != second.cohort_coordinate()) return places;
  for (size_t a = 1; a < first.cohorts().size(); ++a) {
    for (size_t b = 1; b < second.cohorts().size(); ++b) {
      if (first.cohorts()[a].label != second.cohorts()[b].label) continue;
      places.first.push_back(a);
      places.second.push_back(b);
    }
  }
  return places;
}

std::string name_of(const ReportSource& source, const char* anonymous) {
  return source.anonymous() ? anonymous
                            : std::filesystem::path(source.store().path()).filename().string();
}

}  // namespace

json compare(const std::filesystem::path& store, const std::filesystem::path& against,
             bool anonymous) {
  ReportSource first(store, anonymous), second(against, anonymous);
  require_comparable(first, second);
  share_columns(first, second);
  const ScoreRequest request{.parts = {"layer", "kind"}};
  const ScoreTable a = read_scores(first, request), b = read_scores(second, request);
  auto [of_first, of_second] = shared_cohorts(first, second);
  // A page has room for so many numbers of two stores.
  if (a.values.size() * (1 + of_first.size()) > 60'000) of_first.clear(), of_second.clear();
  ScoreTable a_apart, b_apart;
  if (!of_first.empty()) {
    ScoreRequest by_cohort = request;
    by_cohort.cohorts = true;
    a_apart = read_scores(first, by_cohort);
    b_apart = read_scores(second, by_cohort);
  }
  std::vector<size_t> same(a.parts.size());
  for (size_t i = 0; i < same.size(); ++i) same[i] = i;
  json from = json::array(), to = json::array();
  for (const StepColumn& column : first.columns()) {
    from.push_back(column.step_from);
    to.push_back(column.step_to);
  }
  const std::string name = name_of(first, "first store");
  std::string other = name_of(second, "second store");
  if (other == name) other += " (second)";
  return {{"names", {name, other}},
          {"from", from},
          {"to", to},
          {"cohorts", of_first},
          {"samples", {first.samples(), second.samples()}},
          {"first", scores_of(a, a_apart, same, of_first)},
          {"second", scores_of(b, b_apart, order_of(b, a), of_second)}};
}

}  // namespace explaind
