#include "store/operations/running_sum.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "store/operations/result_columns.hpp"

namespace explaind {
namespace {

void require_running(const BaseQuery& base) {
  const std::string& name = base.variable().name;
  if (base.nature() != Nature::part && base.nature() != Nature::count) {
    throw UsageError("--cumulative",
                     base.nature() == Nature::estimate ? "estimates of errors have no running sum"
                                                       : reason_not_added(base.nature(), name),
                     "Leave it out");
  }
  const auto segment =
      std::find_if(base.axes().begin(), base.axes().end(),
                   [](const QueryAxis& axis) { return axis.coordinates.name == "segment"; });
  if (segment == base.axes().end() || segment->kept.empty()) {
    throw UsageError("--cumulative", "runs along segments, and no coordinate of theirs stays",
                     "Keep one: --group-by step_to,…");
  }
  if (segment->how == Reduction::mean && segment->largest_group() > 1) {
    throw UsageError("--cumulative", "means over segments have no running sum",
                     "Leave out --mean segment");
  }
}

}  // namespace

void to_running_sums(QueryResult& result, const BaseQuery& base) {
  require_running(base);
  std::vector<size_t> others;
  for (size_t c = 0; c < result.columns.size(); ++c) {
    if (result.columns[c].axis != "segment") others.push_back(c);
  }
  std::map<std::string, size_t> known;
  std::vector<size_t> place;
  for (size_t row = 0; row < result.values.size(); ++row) {
    place.push_back(known.emplace(key_of(result, row, others), known.size()).first->second);
  }
  const auto run_along = [&](std::vector<double>& values) {
    std::vector<double> sums(known.size(), 0.0);
    for (size_t row = 0; row < values.size(); ++row) {
      if (std::isnan(values[row])) continue;
      values[row] = sums[place[row]] += values[row];
    }
  };
  run_along(result.values);
  for (std::vector<double>& each : result.drawings) run_along(each);
  result.statement.then.emplace_back("running sum along segments");
  result.variable += "_cumulative";
}

}  // namespace explaind
