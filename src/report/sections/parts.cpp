// What the training data, the optimizer's momentum, weight decay and rounding did to each layer.

#include <algorithm>

#include "report/packed.hpp"
#include "report/score_table.hpp"
#include "report/section.hpp"

namespace explaind {

nlohmann::json parts_section(const ReportSource& source) {
  using nlohmann::json;
  if (source.axis("component")->find("layer") == nullptr) return nullptr;
  json parts = json::array();
  json layers;
  for (const char* name : {"psi_data", "psi_momentum", "psi_decay", "psi_rounding"}) {
    if (!source.store().has(name)) continue;
    ScoreRequest request{.variable = name, .parts = {"layer"}};
    const ScoreTable by_steps = read_scores(source, request);
    if (layers.is_null()) {
      layers = json::array();
      for (const auto& part : by_steps.parts) layers.push_back(std::stoi(part.front()));
    }
    json part{{"name", std::string(name).substr(4)},
              {"estimated", source.store().attribute(name, "estimated") == "1"},
              {"step_index", source.store().attribute(name, "step_index")},
              {"all", packed({by_steps.steps, by_steps.parts.size()}, by_steps.values)}};
    if (!source.cohort_coordinate().empty()) {
      request.steps = false;
      request.cohorts = true;
      const ScoreTable totals = read_scores(source, request);
      part["totals"] = packed({totals.cohorts, totals.parts.size()}, totals.values);
    }
    parts.push_back(std::move(part));
  }
  if (parts.size() < 2) return nullptr;
  return {{"layers", layers}, {"parts", parts}};
}

}  // namespace explaind
