// How exact the scores are: residuals, errors and evaluations by steps, and the worst pairs.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/packed.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

/// Pairs that are listed one by one.
constexpr size_t most_listed = 12;

/// One number a column of steps, of the finite values of its segments and all samples.
template <typename Reduce>
json by_columns(const ReportSource& source, const std::vector<double>& values, Reduce reduce) {
  std::vector<double> found;
  for (const StepColumn& column : source.columns()) {
    std::vector<double> here;
    for (size_t i = column.first * source.samples(); i < (column.last + 1) * source.samples();
         ++i) {
      if (std::isfinite(values[i])) here.push_back(std::abs(values[i]));
    }
    found.push_back(here.empty() ? missing : reduce(here));
  }
  return packed({found.size()}, found);
}

double largest_of(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Pairs whose tolerance was missed, and those with the largest residuals.
json worst_pairs(const ReportSource& source, const std::vector<double>& residual) {
  const std::vector<double> met = source.per_sample("tolerance_met"),
                            limited = source.per_sample("limited_by_precision"),
                            error = source.per_sample("quadrature_error"),
                            nodes = source.per_sample("node_count"),
                            from = source.per_sample("value_from"),
                            to = source.per_sample("value_to");
  std::vector<size_t> order;
  for (size_t i = 0; i < residual.size(); ++i) {
    if (std::isfinite(residual[i])) order.push_back(i);
  }
  const auto missed = [&](size_t i) { return !met.empty() && met[i] == 0; };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (missed(a) != missed(b)) return missed(a);
    return std::abs(residual[a]) > std::abs(residual[b]);
  });
  order.resize(std::min(order.size(), most_listed));
  const AxisCoordinates& segment = *source.axis("segment");
  json pairs = json::array();
  const auto value = [](const std::vector<double>& values, size_t i) {
    return values.empty() ? json() : number(values[i]);
  };
  for (const size_t i : order) {
    const size_t s = i / source.samples(), sample = i % source.samples();
    pairs.push_back({{"step_from", std::stoll(segment.find("step_from")->values[s])},
                     {"step_to", std::stoll(segment.find("step_to")->values[s])},
                     {"sample", source.shown_id(sample)},
                     {"change", from.empty() || to.empty() ? json() : number(to[i] - from[i])},
                     {"residual", number(residual[i])},
                     {"error", value(error, i)},
                     {"nodes", value(nodes, i)},
                     {"missed", missed(i)},
                     {"limited", !limited.empty() && limited[i] == 1}});
  }
  return pairs;
}

}  // namespace

json certificates_section(const ReportSource& source) {
  const std::vector<double> residual = source.per_sample("residual");
  if (residual.empty()) return nullptr;
  json data{{"residual_largest", by_columns(source, residual, largest_of)},
            {"residual_median", by_columns(source, residual, median)},
            {"worst", worst_pairs(source, residual)}};
  if (const auto error = source.per_sample("quadrature_error"); !error.empty()) {
    data["error_largest"] = by_columns(source, error, largest_of);
  }
  if (const auto nodes = source.per_sample("node_count"); !nodes.empty()) {
    data["nodes_mean"] = by_columns(source, nodes, mean);
    data["nodes_largest"] = by_columns(source, nodes, largest_of);
  }
  return data;
}

}  // namespace explaind
