// Training samples, or groups of them, that helped and harmed each prediction most.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/counted.hpp"
#include "core/selection.hpp"
#include "discovery/searches.hpp"
#include "store/query.hpp"
#include "store/query_axes.hpp"

namespace explaind {
namespace {

constexpr size_t each_way = 3;
constexpr size_t most_predictions = 200;

/// The axis' coordinate that names what trained.
std::string training_coordinate(const StoreReader& store) {
  if (!store.has("psi_data")) return "";
  for (const std::string& dim : store.variable("psi_data").dims) {
    if (dim == "train_sample") return "train_id";
    if (dim == "train_group") return "train_group";
  }
  return "";
}

struct Predictions {
  std::string coordinate;  ///< "id", "group", or empty: all together
  std::vector<std::string> names;
};

/// What is predicted, of what is selected.
Predictions predictions_of(const StoreReader& store, const std::vector<std::string>& select) {
  const StoredVariable data = store.variable("psi_data");
  Predictions predictions;
  for (size_t a = 0; a < data.dims.size(); ++a) {
    if (data.dims[a] == "sample") predictions.coordinate = "id";
    if (data.dims[a] == "group") predictions.coordinate = "group";
  }
  if (predictions.coordinate.empty()) {
    predictions.names = {"all samples"};
    return predictions;
  }
  Query query;
  query.variable = "psi_data";
  query.select = select;
  query.group_by = {predictions.coordinate};
  const QueryAxes asked(store, data, query);
  for (const QueryAxis& axis : asked.axes) {
    if (axis.kept.empty()) continue;
    for (const auto& key : axis.keys) predictions.names.push_back(key.front());
  }
  return predictions;
}

/// Training axis' names and sums, of one prediction.
QueryResult scores_of(const StoreReader& store, const std::vector<std::string>& select,
                      const Predictions& predictions, const std::string& name,
                      const std::string& by) {
  Query query;
  query.variable = "psi_data";
  query.select = select;
  query.group_by = {by};
  const bool chosen = std::any_of(select.begin(), select.end(), [&](const std::string& each) {
    return selected_coordinate(each, "--select") == predictions.coordinate;
  });
  if (!predictions.coordinate.empty() && !chosen) {
    query.select.push_back(predictions.coordinate + "=" + escaped(name));
  } else if (!predictions.coordinate.empty()) {
    for (std::string& each : query.select) {
      if (selected_coordinate(each, "--select") == predictions.coordinate) {
        each = predictions.coordinate + "=" + escaped(name);
      }
    }
  }
  return run(store, query);
}

void add_extremes(const QueryResult& result, const std::string& prediction, bool negative,
                  SearchResult& finding) {
  std::vector<size_t> order;
  for (size_t i = 0; i < result.values.size(); ++i) {
    if (std::isfinite(result.values[i]) && result.values[i] != 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return negative ? result.values[a] < result.values[b] : result.values[a] > result.values[b];
  });
  const auto helps = [&](size_t i) { return (result.values[i] < 0) == negative; };
  const auto add = [&](size_t i, size_t rank) {
    finding.rows.push_back({{"prediction", prediction},
                            {"effect", helps(i) ? "helped" : "harmed"},
                            {"rank", rank},
                            {"training", result.keys[i].front()},
                            {"score", result.values[i]}});
  };
  for (size_t k = 0; k < std::min(each_way, order.size()); ++k) {
    if (helps(order[k])) add(order[k], k + 1);
  }
  for (size_t k = 0; k < std::min(each_way, order.size()); ++k) {
    const size_t i = order[order.size() - 1 - k];
    if (!helps(i)) add(i, k + 1);
  }
}

}  // namespace

SearchResult describe_training(const StoreReader& store, const std::vector<std::string>& select) {
  SearchResult finding;
  finding.name = "training";
  finding.what = "training samples, or groups of them, that helped and harmed each prediction most";
  const std::string by = training_coordinate(store);
  if (by.empty()) {
    finding.why_not =
        "the store has no training axis (decompose --axes …,train_sample or train_group)";
    return finding;
  }
  finding.statistic = "psi_data, added up over segments and components";
  const bool negative = lower_is_better(store);
  const std::vector<std::string> chosen = with_one_output(store, select);
  const Predictions predictions = predictions_of(store, chosen);
  for (size_t k = 0; k < std::min(predictions.names.size(), most_predictions); ++k) {
    const QueryResult result = scores_of(store, chosen, predictions, predictions.names[k], by);
    add_extremes(result, predictions.names[k], negative, finding);
  }
  if (predictions.names.size() > most_predictions) {
    finding.said.push_back(fmt::format("Of {} the first {} are listed; others: --select id=….",
                                       counted(predictions.names.size(), "prediction"),
                                       most_predictions));
  }
  finding.said.push_back(fmt::format("Helping is {} F. This is a description, not a test.",
                                     negative ? "lowering" : "raising"));
  finding.shown = {"prediction", "effect", "rank", "training", "score"};
  return finding;
}

}  // namespace explaind
