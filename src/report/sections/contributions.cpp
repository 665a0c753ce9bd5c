// What every kind of parameter in every layer did, by steps and cohorts: most plots of the page are
// sums over this.

#include <algorithm>
#include <utility>

#include "report/packed.hpp"
#include "report/score_table.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

/// Numbers of one array of the page: half a megabyte.
constexpr size_t most_numbers = 100'000;

/// Sums over the steps, cohorts × parts; NaN where a step is missing.
std::vector<double> totals(const ScoreTable& table) {
  std::vector<double> sums(table.cohorts * table.parts.size(), 0.0);
  for (size_t i = 0; i < table.values.size(); ++i) sums[i % sums.size()] += table.values[i];
  return sums;
}

/// steps × cohorts × distinct values of one coordinate of the parts.
json margin(const ScoreTable& table, size_t coordinate) {
  json names = json::array();
  std::vector<size_t> place;
  for (const auto& part : table.parts) {
    const auto known = std::find(names.begin(), names.end(), part[coordinate]);
    place.push_back(static_cast<size_t>(known - names.begin()));
    if (known == names.end()) names.push_back(part[coordinate]);
  }
  std::vector<double> sums(table.steps * table.cohorts * names.size(), 0.0);
  for (size_t i = 0; i < table.values.size(); ++i) {
    sums[i / place.size() * names.size() + place[i % place.size()]] += table.values[i];
  }
  return {{"names", names}, {"values", packed({table.steps, table.cohorts, names.size()}, sums)}};
}

}  // namespace

json contributions_section(const ReportSource& source) {
  const AxisCoordinates& component = *source.axis("component");
  if (component.find("layer") == nullptr || component.find("kind") == nullptr) return nullptr;
  const ScoreRequest request{.parts = {"layer", "kind"}};
  const ScoreTable all = read_scores(source, request);
  json parts = json::array();
  for (const auto& part : all.parts) {
    parts.push_back({{"layer", std::stoi(part[0])}, {"kind", part[1]}});
  }
  json data{{"parts", parts}, {"all", packed({all.steps, 1, all.parts.size()}, all.values)}};
  if (source.cohort_coordinate().empty()) return data;
  ScoreRequest by_cohort = request;
  by_cohort.cohorts = true;
  const ScoreTable apart = read_scores(source, by_cohort);
  data["totals"] = packed({1, apart.cohorts, apart.parts.size()}, totals(apart));
  if (apart.values.size() <= most_numbers) {
    data["cohorts"] = packed({apart.steps, apart.cohorts, apart.parts.size()}, apart.values);
    return data;
  }
  // Too many to carry: what the plots of kinds and of layers need is smaller.
  for (const auto& [name, coordinate] : {std::pair{"layers", 0}, std::pair{"kinds", 1}}) {
    json sums = margin(apart, static_cast<size_t>(coordinate));
    if (apart.steps * apart.cohorts * sums["names"].size() <= most_numbers) {
      data[name] = std::move(sums);
    }
  }
  return data;
}

}  // namespace explaind
