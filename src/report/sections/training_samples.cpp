// Which training samples lowered or raised F most, and how groups of them acted on groups of
// samples.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "report/packed.hpp"
#include "report/score_table.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

constexpr size_t most_each_way = 12;  // helpful ones and harmful ones, of each cohort

/// Places of the lowest and highest entries of a cohort.
void add_extremes(const ScoreTable& table, size_t cohort, std::set<size_t>& chosen) {
  std::vector<size_t> order;
  for (size_t p = 0; p < table.parts.size(); ++p) {
    if (std::isfinite(table.at(0, cohort, p))) order.push_back(p);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return table.at(0, cohort, a) < table.at(0, cohort, b);
  });
  const size_t count = std::min(order.size(), most_each_way);
  for (size_t i = 0; i < count; ++i) {
    chosen.insert(order[i]);
    chosen.insert(order[order.size() - 1 - i]);
  }
}

/// Rows: all, then cohorts; columns: the parts that are kept.
std::vector<double> columns_of(const ScoreTable& all, const ScoreTable* apart,
                               const std::vector<size_t>& kept) {
  std::vector<double> values;
  for (const size_t p : kept) values.push_back(all.values[p]);
  for (size_t c = 0; apart != nullptr && c < apart->cohorts; ++c) {
    for (const size_t p : kept) values.push_back(apart->at(0, c, p));
  }
  return values;
}

/// Scores of the training axis by one of its coordinates; `everything` keeps all of them.
json by_coordinate(const ReportSource& source, const std::string& coordinate, bool everything) {
  ScoreRequest request{.variable = "psi_data", .parts = {coordinate}, .steps = false};
  const ScoreTable all = read_scores(source, request);
  ScoreTable apart;
  const bool cohorts = !source.cohort_coordinate().empty();
  if (cohorts) {
    request.cohorts = true;
    apart = read_scores(source, request);
  }
  std::vector<size_t> kept(all.parts.size());
  std::iota(kept.begin(), kept.end(), size_t{0});
  if (!everything) {
    std::set<size_t> chosen;
    add_extremes(all, 0, chosen);
    for (size_t c = 0; cohorts && c < apart.cohorts; ++c) {
      add_extremes(apart, c, chosen);
    }
    kept.assign(chosen.begin(), chosen.end());
  }
  json names = json::array();
  for (const size_t p : kept) {
    const bool hide = source.anonymous() && !everything;
    names.push_back(hide ? "training sample " + std::to_string(p + 1) : all.parts[p].front());
  }
  const size_t rows = 1 + (cohorts ? apart.cohorts : 0);
  double helped = 0, harmed = 0;
  for (const double each : all.values)
    (each < 0 ? helped : harmed) += std::isfinite(each) ? each : 0;
  return {
      {"in_all", all.parts.size()},
      {"names", names},
      {"helped", helped},
      {"harmed", harmed},
      {"values", packed({rows, kept.size()}, columns_of(all, cohorts ? &apart : nullptr, kept))}};
}

bool tells_apart(const AxisCoordinates& axis, const std::string& coordinate, size_t most) {
  const Coordinate* found = axis.find(coordinate);
  if (found == nullptr) return false;
  const std::set<std::string> values(found->values.begin(), found->values.end());
  return values.size() > 1 && values.size() <= most;
}

}  // namespace

json training_samples_section(const ReportSource& source) {
  if (!source.store().has("psi_data")) return nullptr;
  const StoredVariable variable = source.store().variable("psi_data");
  json data;
  for (size_t a = 0; a < variable.dims.size(); ++a) {
    const std::string& name = variable.dims[a];
    if (name != "train_sample" && name != "train_group") continue;
    const AxisCoordinates axis = read_axis(source.store(), name, variable.shape[a]);
    if (name == "train_sample") {
      if (axis.find("train_id") != nullptr)
        data["samples"] = by_coordinate(source, "train_id", false);
      if (tells_apart(axis, "train_group_name", 60)) {
        data["groups"] = by_coordinate(source, "train_group_name", true);
      }
    } else if (tells_apart(axis, "train_group", 60)) {
      data["groups"] = by_coordinate(source, "train_group", true);
    }
  }
  if (data.is_null()) return nullptr;
  const json& configuration = source.configuration();
  if (configuration.contains("step-index")) data["step_index"] = configuration["step-index"];
  return data;
}

}  // namespace explaind
