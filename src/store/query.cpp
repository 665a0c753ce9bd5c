#include "store/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "store/committed_entries.hpp"
#include "store/query_axes.hpp"
#include "store/score_walk.hpp"

namespace explaind {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

QueryAxis* axis_named(std::vector<QueryAxis>& axes, const std::string& name) {
  const auto found = std::find_if(axes.begin(), axes.end(), [&](const QueryAxis& each) {
    return each.coordinates.name == name;
  });
  return found == axes.end() ? nullptr : &*found;
}

void require_numbers(const StoreReader& store, const StoredVariable& variable) {
  if (!store.is_text(variable.name)) return;
  throw UsageError("--variable", variable.name + " is text",
                   "A coordinate's place is in --group-by and --select; explaind inspect shows the "
                   "variables");
}

/// Decides for every axis what its entries become.
void reduce_as_asked(const StoreReader& store, const StoredVariable& variable, const Query& query,
                     std::vector<QueryAxis>& axes) {
  std::vector<AxisUse> uses;
  for (const QueryAxis& axis : axes) {
    const std::string& name = axis.coordinates.name;
    const std::vector<std::string> main = axis.coordinates.main();
    uses.push_back({.axis = name,
                    .coordinate = name == "segment" ? main.back() : main.front(),
                    .entries = axis.largest_group(),
                    .asked_sum = contains(query.sum, name),
                    .asked_mean = contains(query.mean, name)});
  }
  const std::vector<Reduction> how = reductions(store, variable, uses);
  const bool largest = std::find(how.begin(), how.end(), Reduction::largest) != how.end();
  for (size_t a = 0; a < axes.size(); ++a) {
    axes[a].how = how[a];
    // Means and sums that are asked for of something whose largest counts are taken of the largest.
    axes[a].apart = largest && how[a] != Reduction::largest && uses[a].entries > 1;
  }
  const StoredSamples stored = stored_samples(store, variable);
  QueryAxis* group = axis_named(axes, "group");
  if (group != nullptr && stored.as == StoredSamples::As::group_means &&
      group->how == Reduction::mean) {
    group->weights.assign(stored.group_sizes.begin(), stored.group_sizes.end());
  }
}

/// Marks the axes that are taken together outside |·|. Throws UsageError for one that the variable
/// lacks.
void mark_outside(const Query& query, std::vector<QueryAxis>& axes) {
  for (const std::string& name : query.absolute) {
    QueryAxis* axis = axis_named(axes, name);
    if (axis == nullptr) {
      throw UsageError("--absolute",
                       query.variable + " has no axis '" + name +
                           "': what was summed before it was stored stays inside |·|",
                       "Keep it with decompose --axes, or see explaind inspect for the axes");
    }
    axis->apart = true;
  }
}

/// The axis whose spread --error shows, apart from then on. Throws UsageError where there is none.
QueryAxis& error_axis(const Query& query, const CommittedEntries& committed,
                      std::vector<QueryAxis>& axes) {
  QueryAxis* sample = axis_named(axes, "sample");
  const auto refuse = [](const std::string& problem, const std::string& remedy) {
    throw UsageError("--error", problem, remedy);
  };
  if (sample == nullptr) {
    refuse("is over samples, and " + query.variable + " was stored without them",
           "Keep them with decompose --axes sample");
  }
  if (sample->how != Reduction::mean) {
    refuse("is of means over samples", "Leave out --sum sample, or ask for --mean sample");
  }
  if (sample->largest_group() < 2) {
    refuse("no row has two samples, so there is no spread",
           "Group samples, as in --group-by group, or leave it out");
  }
  if (!query.absolute.empty() && !contains(query.absolute, "sample")) {
    refuse("samples are averaged inside |·|", "Add sample to --absolute");
  }
  if (!committed.complete()) {
    refuse("some of the samples are not committed yet",
           "Finish the store (decompose --resume), or --select what is there");
  }
  sample->apart = true;
  return *sample;
}

/// Axes that are apart become rows: means first, so that what is not there counts as nothing and
/// not as zero; with errors samples come last.
Cells fold_apart(Cells cells, const std::vector<QueryAxis>& axes, const QueryAxis* spread,
                 std::vector<double>& errors) {
  std::vector<size_t> order;
  for (const bool mean : {true, false}) {
    for (size_t a = 0; a < axes.size(); ++a) {
      const bool wanted = axes[a].apart && &axes[a] != spread;
      if (wanted && (axes[a].how == Reduction::mean) == mean) order.push_back(a);
    }
  }
  for (const size_t a : order) cells = fold(cells, a, axes[a]);
  if (spread == nullptr) return cells;
  return fold(cells, static_cast<size_t>(spread - axes.data()), *spread, &errors);
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

/// The axes along which entries share rows; samples also where every row has one of them.
Statement statement_of(const StoreReader& store, const StoredVariable& variable, const Query& query,
                       const std::vector<QueryAxis>& axes) {
  const StoredSamples stored = stored_samples(store, variable);
  Statement statement;
  statement.absolute = !query.absolute.empty();
  statement.stored = stored_in_words(stored);
  for (const QueryAxis& axis : axes) {
    const std::string& name = axis.coordinates.name;
    const bool by_id = std::any_of(axis.kept.begin(), axis.kept.end(),
                                   [](const Coordinate* each) { return each->name == "id"; });
    const bool asked = contains(query.sum, name) || contains(query.mean, name);
    const size_t most = axis.largest_group();
    if (most < 2 && !asked && (name != "sample" || by_id)) continue;
    Statement::Axis said{
        .name = name,
        .how = axis.how,
        .outside = statement.absolute ? contains(query.absolute, name) : axis.apart && !query.error,
        .least = 0,
        .most = 0,
        .in_all = static_cast<int64_t>(most),
        .weights = axis.how == Reduction::mean && most > 1 ? weights_in_words(axis, stored) : "",
        .weighted_by = axis.weights.empty() ? "" : "samples"};
    statement.axes.push_back(std::move(said));
  }
  return statement;
}

/// Lengths of the axes of which a coordinate stays.
std::vector<int64_t> shape_of(const std::vector<QueryAxis>& axes) {
  std::vector<int64_t> shape;
  for (const QueryAxis& axis : axes) {
    if (!axis.kept.empty()) shape.push_back(static_cast<int64_t>(axis.keys.size()));
  }
  return shape;
}

/// The axes of the variable that the statement speaks of, in its order.
std::vector<size_t> places_of(const Statement& statement, const std::vector<QueryAxis>& axes) {
  std::vector<size_t> places;
  for (const Statement::Axis& said : statement.axes) {
    const auto axis = std::find_if(axes.begin(), axes.end(), [&](const QueryAxis& each) {
      return each.coordinates.name == said.name;
    });
    places.push_back(static_cast<size_t>(axis - axes.begin()));
  }
  return places;
}

void fill_rows(QueryResult& result, const Query& query, const QueryAxes& asked, const Cells& cells,
               const std::vector<double>& errors, const CommittedEntries& committed) {
  const std::vector<QueryAxis>& axes = asked.axes;
  const std::vector<size_t> said = places_of(result.statement, axes);
  std::vector<size_t> place(axes.size(), 0);  // of the cell, the last axis fastest
  for (size_t cell = 0; cell < cells.values.size(); ++cell) {
    const bool row = cells.seen[cell] || query.whole;
    if (row && (query.first == 0 || result.rows < query.first)) {
      std::vector<std::string> key;
      for (const QueryAxes::Column& column : asked.columns) {
        if (query.keys) key.push_back(axes[column.axis].keys[place[column.axis]][column.place]);
      }
      std::vector<int64_t> counts;
      for (size_t i = 0; i < said.size(); ++i) {
        const int64_t count = committed.count(said[i], place);
        Statement::Axis& axis = result.statement.axes[i];
        axis.least = axis.most == 0 ? count : std::min(axis.least, count);
        axis.most = std::max(axis.most, count);
        if (query.keys) counts.push_back(count);
      }
      result.keys.push_back(std::move(key));
      result.counts.push_back(std::move(counts));
      result.values.push_back(cells.seen[cell] ? cells.values[cell]
                                               : std::numeric_limits<double>::quiet_NaN());
      if (query.error) result.errors.push_back(errors[cell]);
    }
    if (row) ++result.rows;
    for (size_t a = axes.size(); a-- > 0 && ++place[a] == axes[a].keys.size();) place[a] = 0;
  }
}

void keep_top(QueryResult& result, int64_t top) {
  if (top <= 0) return;
  std::vector<size_t> order(result.values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::abs(result.values[a]) > std::abs(result.values[b]);
  });
  order.resize(std::min(order.size(), static_cast<size_t>(top)));
  keep_rows(result, order);
}

/// The elements of a list that `rows` names, moved.
template <typename Element>
std::vector<Element> rows_of(std::vector<Element>& list, const std::vector<size_t>& rows) {
  std::vector<Element> kept;
  for (const size_t row : rows) {
    if (!list.empty()) kept.push_back(std::move(list[row]));
  }
  return kept;
}

}  // namespace

void keep_rows(QueryResult& result, const std::vector<size_t>& rows) {
  result.keys = rows_of(result.keys, rows);
  result.values = rows_of(result.values, rows);
  result.errors = rows_of(result.errors, rows);
  result.counts = rows_of(result.counts, rows);
  if (!result.shape.empty()) result.shape = {static_cast<int64_t>(rows.size())};
}

QueryResult run(const StoreReader& store, const Query& query) {
  const StoredVariable variable = store.variable(query.variable);
  require_numbers(store, variable);
  QueryAxes asked(store, variable, query);
  reduce_as_asked(store, variable, query, asked.axes);
  mark_outside(query, asked.axes);
  QueryResult result;
  result.variable = query.variable + (query.absolute.empty() ? "" : "_abs");
  result.units = store.unit(query.variable);
  for (const QueryAxes::Column& column : asked.columns) {
    result.columns.push_back({column.name, column.number});
  }
  const QueryAxis* spread = nullptr;
  if (query.error) {
    spread = &error_axis(query, CommittedEntries(store, variable, asked.axes), asked.axes);
  }
  const CommittedEntries committed(store, variable, asked.axes);
  Cells cells = walk(store, variable, asked.axes, committed, result.uncommitted);
  if (!query.absolute.empty()) {
    for (double& value : cells.values) value = std::abs(value);
  }
  std::vector<double> errors;
  cells = fold_apart(std::move(cells), asked.axes, spread, errors);
  result.statement = statement_of(store, variable, query, asked.axes);
  result.statement.shared = asked.shared;
  fill_rows(result, query, asked, cells, errors, committed);
  if (query.whole) result.shape = shape_of(asked.axes);
  keep_top(result, query.top);
  return result;
}

}  // namespace explaind
