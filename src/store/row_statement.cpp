#include "store/row_statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/counted.hpp"

namespace explaind {
namespace {

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// How the samples of unequal groups are weighed that share a mean; empty where there are none.
std::string weights_in_words(const QueryAxis& axis, const StoredSamples& stored) {
  if (!axis.weights.empty()) {
    const auto [least, most] =
        std::minmax_element(stored.group_sizes.begin(), stored.group_sizes.end());
    return *least == *most ? fmt::format("of {} each", counted(*most, "sample"))
                           : fmt::format("weighted by their samples, {} to {}", *least, *most);
  }
  if (axis.coordinates.name == "group") return "all of the same weight";
  const Coordinate* group = axis.coordinates.find("group");
  if (axis.coordinates.name != "sample" || group == nullptr) return "";
  std::vector<std::map<std::string, int64_t>> sizes(axis.keys.size());
  for (size_t i = 0; i < axis.chosen.size(); ++i) {
    if (axis.chosen[i]) ++sizes[axis.group[i]][group->values[i]];
  }
  std::optional<int64_t> least, most;
  for (const auto& row : sizes) {
    const auto [low, high] = std::minmax_element(
        row.begin(), row.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (low == row.end() || low->second == high->second) continue;
    least = std::min(least.value_or(low->second), low->second);
    most = std::max(most.value_or(high->second), high->second);
  }
  return least ? fmt::format("all of the same weight, from groups of {} to {}", *least, *most) : "";
}

std::string stored_in_words(const StoredSamples& stored) {
  using As = StoredSamples::As;
  if (stored.as == As::single) return "";
  if (stored.as == As::sum_of_all) {
    return fmt::format("stored as the sum of {}", counted(stored.samples, "sample"));
  }
  const auto [least, most] =
      std::minmax_element(stored.group_sizes.begin(), stored.group_sizes.end());
  const std::string samples =
      *least == *most ? counted(*most, "sample") : fmt::format("{} to {} samples", *least, *most);
  return fmt::format("stored as the {} of each group's {}",
                     stored.as == As::group_sums ? "sum" : "mean", samples);
}

}  // namespace

Statement row_statement(const StoreReader& store, const StoredVariable& variable,
                        const Query& query, const QueryAxes& asked, const QueryAxis* spread) {
  const StoredSamples stored = stored_samples(store, variable);
  Statement statement;
  statement.absolute = !query.absolute.empty();
  statement.stored = stored_in_words(stored);
  statement.shared = asked.shared;
  for (const QueryAxis& axis : asked.axes) {
    const std::string& name = axis.coordinates.name;
    const bool by_id = std::any_of(axis.kept.begin(), axis.kept.end(),
                                   [](const Coordinate* each) { return each->name == "id"; });
    const bool named = listed(query.sum, name) || listed(query.mean, name);
    const size_t most = axis.largest_group();
    if (most < 2 && !named && (name != "sample" || by_id)) continue;
    Statement::Axis said{
        .name = name,
        .how = axis.how,
        .outside =
            statement.absolute ? listed(query.absolute, name) : axis.apart && &axis != spread,
        .least = 0,
        .most = 0,
        .in_all = static_cast<int64_t>(most),
        .weights = axis.how == Reduction::mean && most > 1 ? weights_in_words(axis, stored) : "",
        .weighted_by = axis.weights.empty() ? "" : "samples"};
    statement.axes.push_back(std::move(said));
  }
  return statement;
}

}  // namespace explaind
