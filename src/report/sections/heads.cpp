// What every attention head did, where components are heads (or rows, which have theirs).

#include <algorithm>

#include "core/error.hpp"
#include "report/packed.hpp"
#include "report/score_table.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

constexpr size_t most_of_heads = 60'000;

bool any_from_zero(const Coordinate* coordinate) {
  return coordinate != nullptr &&
         std::any_of(coordinate->values.begin(), coordinate->values.end(),
                     [](const std::string& value) { return std::stoll(value) >= 0; });
}

/// With keys and values shared among the heads that query them, where that can be done.
ScoreTable read_heads(const ReportSource& source, ScoreRequest request, bool& shared) {
  if (shared) {
    request.share_heads = true;
    try {
      return read_scores(source, request);
    } catch (const UsageError&) {  // parts of the store are not there
      shared = false;
      request.share_heads = false;
    }
  }
  return read_scores(source, request);
}

}  // namespace

json heads_section(const ReportSource& source) {
  const AxisCoordinates& component = *source.axis("component");
  const Coordinate* head = component.find("head");
  if (!any_from_zero(head) || component.find("layer") == nullptr) return nullptr;
  bool shared = any_from_zero(component.find("kv_head"));
  const ScoreRequest request{.parts = {"layer", "head"}};
  const ScoreTable all = read_heads(source, request, shared);
  std::vector<size_t> kept;
  json heads = json::array();
  for (size_t p = 0; p < all.parts.size(); ++p) {
    if (std::stoll(all.parts[p][1]) < 0) continue;
    kept.push_back(p);
    heads.push_back({{"layer", std::stoi(all.parts[p][0])}, {"head", std::stoi(all.parts[p][1])}});
  }
  if (kept.size() * all.steps > most_of_heads) return nullptr;
  const auto of_kept = [&](const ScoreTable& table) {
    std::vector<double> values;
    for (size_t row = 0; row < table.steps * table.cohorts; ++row) {
      for (const size_t p : kept) values.push_back(table.values[row * table.parts.size() + p]);
    }
    return packed({table.steps, table.cohorts, kept.size()}, values);
  };
  json data{{"heads", heads}, {"shared", shared}, {"all", of_kept(all)}};
  if (source.cohort_coordinate().empty() ||
      kept.size() * (source.cohorts().size() - 1) > most_of_heads) {
    return data;
  }
  ScoreRequest by_cohort = request;
  by_cohort.cohorts = true;
  by_cohort.steps = false;
  data["totals"] = of_kept(read_heads(source, by_cohort, shared));
  return data;
}

}  // namespace explaind
