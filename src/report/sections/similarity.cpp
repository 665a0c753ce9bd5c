// How alike samples (or groups, of many samples) are by the parts of the model that changed them.

#include <algorithm>
#include <cmath>

#include "report/packed.hpp"
#include "report/score_table.hpp"
#include "report/section.hpp"
#include "store/query.hpp"

namespace explaind {
namespace {

using nlohmann::json;

constexpr size_t most_samples = 160;
constexpr int64_t most_entries = 20'000'000;  // of the vectors that are compared

/// What vectors are made of: components where that is not too much, else whole tensors.
std::string entry_of_vectors(const ReportSource& source, size_t vectors) {
  const AxisCoordinates& component = *source.axis("component");
  const bool few = component.size * static_cast<int64_t>(vectors) <= most_entries;
  return few || component.find("tensor") == nullptr ? "component" : "tensor";
}

/// Samples by groups, each in the store's order.
std::vector<size_t> by_group(const ReportSource& source) {
  std::vector<size_t> order;
  std::vector<std::string> seen;
  for (const std::string& group : source.groups()) {
    if (std::find(seen.begin(), seen.end(), group) != seen.end()) continue;
    seen.push_back(group);
    for (size_t i = 0; i < source.samples(); ++i) {
      if (source.groups()[i] == group) order.push_back(i);
    }
  }
  return order;
}

/// Of rows a and b; NaN where one is 0 or not there.
double cosine(const std::vector<double>& rows, size_t length, size_t a, size_t b) {
  double product = 0, of_a = 0, of_b = 0;
  for (size_t p = 0; p < length; ++p) {
    const double x = rows[a * length + p], y = rows[b * length + p];
    product += x * y;
    of_a += x * x;
    of_b += y * y;
  }
  return of_a > 0 && of_b > 0 ? product / std::sqrt(of_a) / std::sqrt(of_b) : missing;
}

json of_samples(const ReportSource& source) {
  const size_t n = source.samples();
  const std::string entries = entry_of_vectors(source, n);
  Query query;
  query.group_by = {"id", entries};
  query.select = source.selections();
  for (const std::string& each : source.complete_selection()) query.select.push_back(each);
  query.whole = true;
  query.keys = false;
  const std::vector<double> vectors = run(source.store(), query).values;
  if (vectors.size() % n != 0) return nullptr;
  const std::vector<size_t> order = by_group(source);
  std::vector<double> values;
  json names = json::array(), groups = json::array();
  for (const size_t row : order) {
    names.push_back(source.shown_id(row));
    groups.push_back(source.groups()[row]);
    for (const size_t column : order)
      values.push_back(cosine(vectors, vectors.size() / n, row, column));
  }
  return {{"of", "sample"},
          {"names", names},
          {"groups", groups},
          {"parts", entries},
          {"cosine", packed({n, n}, values)}};
}

json of_cohorts(const ReportSource& source) {
  const size_t n = source.cohorts().size() - 1;
  const std::string entries = entry_of_vectors(source, n);
  const ScoreTable table =
      read_scores(source, {.parts = {entries}, .steps = false, .cohorts = true, .select = {}});
  std::vector<double> values(n * n);
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      values[a * n + b] = values[b * n + a] = cosine(table.values, table.parts.size(), a, b);
    }
  }
  json names = json::array();
  for (size_t c = 1; c <= n; ++c) names.push_back(source.shown_label(source.cohorts()[c]));
  return {{"of", source.cohort_coordinate() == "id" ? "sample" : "group"},
          {"names", names},
          {"groups", json::array()},
          {"parts", entries},
          {"cosine", packed({n, n}, values)}};
}

}  // namespace

json similarity_section(const ReportSource& source) {
  if (source.in_order("sample", "component") && source.samples() >= 3 &&
      source.samples() <= most_samples) {
    return of_samples(source);
  }
  if (source.cohorts().size() < 4) return nullptr;
  return of_cohorts(source);
}

}  // namespace explaind
