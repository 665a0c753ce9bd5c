#include "store/query_axes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "core/nearest_name.hpp"
#include "core/selection.hpp"
#include "store/shared_heads.hpp"

namespace explaind {
namespace {

/// "NAME=SELECTION" as --select has it.
struct NamedSelection {
  std::string name, value;
};

NamedSelection named_selection(const std::string& text, const std::string& option) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw UsageError(option, "'" + text + "' is not NAME=VALUE",
                     "As step=100; alternatives stand between bars (group=de|fr), and a comma of a "
                     "value is written \\,");
  }
  NamedSelection selection{text.substr(0, equals), text.substr(equals + 1)};
  // `sample` names a sample by its id, as a person would; its number along the axis is no name.
  if (selection.name == "sample") selection.name = "id";
  if (selection.name == "train_sample") selection.name = "train_id";
  return selection;
}

std::vector<std::string> names_of(const std::vector<QueryAxis>& axes) {
  std::vector<std::string> names;
  for (const QueryAxis& axis : axes) names.push_back(axis.coordinates.name);
  return names;
}

std::vector<std::string> coordinates_of(const std::vector<QueryAxis>& axes) {
  std::vector<std::string> names;
  for (const QueryAxis& axis : axes) {
    for (const Coordinate& each : axis.coordinates.coordinates) names.push_back(each.name);
  }
  return names;
}

/// A coordinate and the axis that it lies along.
struct Found {
  size_t axis;
  const Coordinate* coordinate;
};

Found find_coordinate(const std::vector<QueryAxis>& axes, const std::string& name,
                      const std::string& option, const std::string& variable) {
  for (size_t a = 0; a < axes.size(); ++a) {
    if (const Coordinate* found = axes[a].coordinates.find(name)) return {a, found};
  }
  const std::vector<std::string> known = coordinates_of(axes);
  throw UsageError(option, variable + " has no coordinate '" + name + "'",
                   suggestion(name, known,
                              known.empty() ? "It has none: see explaind inspect"
                                            : fmt::format("It has {}", fmt::join(known, ", "))));
}

void choose(const Query& query, std::vector<QueryAxis>& axes) {
  std::vector<NamedSelection> selections;
  for (const std::string& text : query.select)
    selections.push_back(named_selection(text, "--select"));
  std::vector<const Coordinate*> selected;
  for (const NamedSelection& asked : selections) {
    const Found found = find_coordinate(axes, asked.name, "--select", query.variable);
    const Coordinate& coordinate = *found.coordinate;
    if (std::find(selected.begin(), selected.end(), &coordinate) != selected.end()) {
      throw UsageError("--select", "'" + asked.name + "' is selected from twice",
                       "Write alternatives in one: " + asked.name + "=ONE|OTHER");
    }
    selected.push_back(&coordinate);
    QueryAxis& axis = axes[found.axis];
    const Selection selection(asked.value, "--select", asked.name + "=");
    // Steps and tokens are stretches, from one checkpoint to the next.
    const bool stretch = asked.name == "step" || asked.name == "tokens";
    const Coordinate* from = stretch ? axis.coordinates.find(asked.name + "_from") : nullptr;
    const std::vector<bool> here = from != nullptr
                                       ? selection.among_stretches(from->values, coordinate.values)
                                       : selection.among(coordinate.values, coordinate.number);
    for (size_t i = 0; i < here.size(); ++i) axis.chosen[i] = axis.chosen[i] && here[i];
    if (std::none_of(axis.chosen.begin(), axis.chosen.end(), [](bool each) { return each; })) {
      throw UsageError("--select",
                       fmt::format("no {} has {} together with what was selected before",
                                   entry_of(axis.coordinates.name), asked.name + "=" + asked.value),
                       "See explaind inspect for what there is");
    }
  }
}

void require_axes(const std::vector<std::string>& asked, const std::string& option,
                  const Query& query, const std::vector<QueryAxis>& axes) {
  const std::vector<std::string> names = names_of(axes);
  for (const std::string& name : asked) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw UsageError(option, query.variable + " has no axis '" + name + "'",
                     suggestion(name, names, fmt::format("It has {}", fmt::join(names, ", "))));
  }
}

/// The coordinates that become columns, in the order of the columns.
std::vector<std::string> column_names(const Query& query, const std::vector<QueryAxis>& axes) {
  if (!query.group_by.empty()) return query.group_by;
  std::vector<std::string> names;
  const auto listed = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const QueryAxis& axis : axes) {
    const std::string& name = axis.coordinates.name;
    if (listed(query.sum, name) || listed(query.mean, name)) continue;
    const size_t before = names.size();
    for (const std::string& main : axis.coordinates.main()) names.push_back(main);
    if (!axis.share.empty()) names.emplace_back("head");
    if (!query.every_coordinate) continue;
    for (const Coordinate& each : axis.coordinates.coordinates) {
      const auto mine = names.begin() + static_cast<std::ptrdiff_t>(before);
      if (std::find(mine, names.end(), each.name) == names.end()) names.push_back(each.name);
    }
  }
  return names;
}

/// Divides key-value heads among their query heads, and says so.
std::string divide(const StoreReader& store, const StoredVariable& variable,
                   std::vector<QueryAxis>& axes) {
  const auto axis = std::find_if(axes.begin(), axes.end(), [](const QueryAxis& each) {
    return each.coordinates.name == "component";
  });
  DividedAxis divided = share_key_value_heads(
      store, variable, axis == axes.end() ? AxisCoordinates{} : axis->coordinates);
  axis->coordinates = std::move(divided.coordinates);
  axis->place = std::move(divided.place);
  axis->share = std::move(divided.share);
  return divided.words;
}

void group_entries(QueryAxis& axis) {
  std::map<std::vector<std::string>, size_t> known;
  for (size_t i = 0; i < axis.chosen.size(); ++i) {
    std::vector<std::string> key;
    for (const Coordinate* coordinate : axis.kept) key.push_back(coordinate->values[i]);
    if (!axis.chosen[i]) {
      axis.group.push_back(0);
      continue;
    }
    const auto [entry, added] = known.emplace(key, axis.keys.size());
    if (added) axis.keys.push_back(key);
    axis.group.push_back(entry->second);
  }
}

}  // namespace

std::vector<bool> QueryAxis::counted() const {
  constexpr size_t none = std::numeric_limits<size_t>::max();
  std::vector<size_t> last(keys.size(), none);  // per key: what was counted there last
  std::vector<bool> first(chosen.size(), false);
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (!chosen[i] || last[group[i]] == place[i]) continue;
    last[group[i]] = place[i];
    first[i] = true;
  }
  return first;
}

std::vector<int64_t> QueryAxis::counts() const {
  std::vector<int64_t> counts(keys.size(), 0);
  const std::vector<bool> first = counted();
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i]) ++counts[group[i]];
  }
  return counts;
}

size_t QueryAxis::largest_group() const {
  const std::vector<int64_t> sizes = counts();
  return sizes.empty() ? 0 : static_cast<size_t>(*std::max_element(sizes.begin(), sizes.end()));
}

std::string selected_coordinate(const std::string& selection, const std::string& option) {
  const std::string name = named_selection(selection, option).name;
  if (name == "step" || name == "tokens" || name == "phase") return name + "_to";
  return name == "train_group" ? "train_group_name" : name;
}

QueryAxes::QueryAxes(const StoreReader& store, const StoredVariable& variable, const Query& query) {
  for (size_t a = 0; a < variable.dims.size(); ++a) {
    QueryAxis axis;
    axis.coordinates = read_axis(store, variable.dims[a], variable.shape[a]);
    axis.stored = static_cast<size_t>(variable.shape[a]);
    axis.place.resize(axis.stored);
    std::iota(axis.place.begin(), axis.place.end(), size_t{0});
    axes.push_back(std::move(axis));
  }
  if (query.share_key_value_heads) shared = divide(store, variable, axes);
  for (QueryAxis& axis : axes) axis.chosen.assign(axis.place.size(), true);
  choose(query, axes);
  require_axes(query.sum, "--sum", query, axes);
  require_axes(query.mean, "--mean", query, axes);
  for (const std::string& name : column_names(query, axes)) {
    const Found found = find_coordinate(axes, name, "--group-by", query.variable);
    QueryAxis& axis = axes[found.axis];
    if (std::find(axis.kept.begin(), axis.kept.end(), found.coordinate) != axis.kept.end()) {
      throw UsageError("--group-by", "'" + name + "' stands twice", "Name it once");
    }
    columns.push_back(
        {found.coordinate->name, found.coordinate->number, found.axis, axis.kept.size()});
    axis.kept.push_back(found.coordinate);
  }
  for (QueryAxis& axis : axes) group_entries(axis);
}

}  // namespace explaind
