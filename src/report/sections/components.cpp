// The single components that did most: tensors, heads, rows or neurons, as the store has them.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/selection.hpp"
#include "report/packed.hpp"
#include "report/score_table.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

/// Components that are listed, of each kind and of all.
constexpr size_t most_of_a_kind = 20, most_of_all = 60;

/// Places of the largest by |score|: of all, and then of each kind.
std::vector<size_t> largest_parts(const ScoreTable& table, const std::vector<std::string>& kinds) {
  std::vector<size_t> order(table.parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto size = [&](size_t place) {
    const double value = std::abs(table.values[place]);
    return std::isnan(value) ? -1.0 : value;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return size(a) > size(b); });
  std::map<std::string, size_t> of_kind;
  std::vector<size_t> chosen;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    size_t& count = of_kind[kinds[order[rank]]];
    if (rank < most_of_all || count < most_of_a_kind) chosen.push_back(order[rank]);
    ++count;
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace

json components_section(const ReportSource& source) {
  const AxisCoordinates& component = *source.axis("component");
  const Coordinate* name = component.find("component");
  if (name == nullptr || name->number) return nullptr;
  ScoreRequest request{.parts = {"component"}, .steps = false};
  const ScoreTable all = read_scores(source, request);
  if (all.parts.size() != name->values.size()) return nullptr;  // names stand twice: not ours
  const Coordinate* kind = component.find("kind");
  const Coordinate* layer = component.find("layer");
  const std::vector<std::string> kinds =
      kind != nullptr ? kind->values : std::vector<std::string>(name->values.size());
  const std::vector<size_t> chosen = largest_parts(all, kinds);
  json listed = json::array();
  std::string selection = "component=";
  for (const size_t each : chosen) {
    listed.push_back({{"name", name->values[each]},
                      {"kind", kinds[each]},
                      {"layer", layer != nullptr ? json(std::stoi(layer->values[each])) : json()}});
    selection += (selection.back() == '=' ? "" : "|") + escaped(name->values[each]);
  }
  request.select = {selection};
  request.steps = true;
  const ScoreTable by_steps = read_scores(source, request);
  json data{{"in_all", all.parts.size()},
            {"listed", listed},
            {"all", packed({by_steps.steps, 1, by_steps.parts.size()}, by_steps.values)}};
  if (source.cohort_coordinate().empty()) return data;
  request.steps = false;
  request.cohorts = true;
  const ScoreTable by_cohorts = read_scores(source, request);
  data["totals"] = packed({1, by_cohorts.cohorts, by_cohorts.parts.size()}, by_cohorts.values);
  return data;
}

}  // namespace explaind
