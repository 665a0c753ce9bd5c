#include "store/base_query.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/nearest_name.hpp"
#include "store/operations/bootstrap.hpp"
#include "store/row_statement.hpp"

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

StoredVariable known_variable(const StoreReader& store, const std::string& name) {
  if (!store.has(name)) {
    std::vector<std::string> names;
    for (const auto& list : {store.variables(), store.dense_variables()}) {
      for (const StoredVariable& each : list) names.push_back(each.name);
    }
    throw DataError(store.path(), "has no variable '" + name + "'",
                    suggestion(name, names, "See explaind inspect"));
  }
  if (store.is_text(name)) {
    throw UsageError("--variable", name + " is text",
                     "A coordinate's place is in --group-by and --select; explaind inspect shows "
                     "the variables");
  }
  return store.variable(name);
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

/// "--error", or "--bootstrap" where that alone asks for the spread.
const char* spread_option(const Query& query) { return query.error ? "--error" : "--bootstrap"; }

/// Bytes of a row's key: texts longer than 15 bytes lie apart.
double key_bytes(const QueryAxis& axis) {
  constexpr double text = 32, apart = 17, inside = 15;
  double bytes = 0;
  for (const Coordinate* coordinate : axis.kept) {
    size_t longest = 0;
    for (const std::string& each : coordinate->values) longest = std::max(longest, each.size());
    const auto length = static_cast<double>(longest);
    bytes += text + (length > inside ? length + apart : 0);
  }
  return bytes;
}

/// Places the rows' cells one after the other, the last axis fastest.
void advance(std::vector<size_t>& place, const std::vector<QueryAxis>& axes) {
  for (size_t a = axes.size(); a-- > 0 && ++place[a] == axes[a].keys.size();) place[a] = 0;
}

}  // namespace

BaseQuery::BaseQuery(const StoreReader& store, const Query& query)
    : store_(store),
      query_(query),
      variable_(known_variable(store, query.variable)),
      asked_(store, variable_, query),
      nature_(nature_of(store, variable_)) {
  reduce_as_asked();
  mark_outside();
  if (query.error || query.bootstrap.times > 0) mark_spread();
}

/// Decides for every axis what its entries become.
void BaseQuery::reduce_as_asked() {
  std::vector<QueryAxis>& axes = asked_.axes;
  std::vector<AxisUse> uses;
  for (const QueryAxis& axis : axes) {
    const std::string& name = axis.coordinates.name;
    const std::vector<std::string> main = axis.coordinates.main();
    uses.push_back({.axis = name,
                    .coordinate = name == "segment" ? main.back() : main.front(),
                    .entries = axis.largest_group(),
                    .asked_sum = contains(query_.sum, name),
                    .asked_mean = contains(query_.mean, name)});
  }
  const std::vector<Reduction> how = reductions(store_, variable_, uses);
  const bool largest = std::find(how.begin(), how.end(), Reduction::largest) != how.end();
  for (size_t a = 0; a < axes.size(); ++a) {
    axes[a].how = how[a];
    // Means and sums that are asked for of something whose largest counts are taken of the largest.
    axes[a].apart = largest && how[a] != Reduction::largest && uses[a].entries > 1;
  }
  const StoredSamples stored = stored_samples(store_, variable_);
  QueryAxis* group = axis_named(axes, "group");
  if (group != nullptr && stored.as == StoredSamples::As::group_means &&
      group->how == Reduction::mean) {
    group->weights.assign(stored.group_sizes.begin(), stored.group_sizes.end());
  }
}

/// Marks the axes that are taken together outside |·|. Throws UsageError for one that the variable
/// lacks.
void BaseQuery::mark_outside() {
  for (const std::string& name : query_.absolute) {
    QueryAxis* axis = axis_named(asked_.axes, name);
    if (axis == nullptr) {
      throw UsageError("--absolute",
                       query_.variable + " has no axis '" + name +
                           "': what was summed before it was stored stays inside |·|",
                       "Keep it with decompose --axes, or see explaind inspect for the axes");
    }
    axis->apart = true;
  }
}

/// Finds the axis whose spread is asked for, apart from then on. Throws UsageError where there is
/// none.
void BaseQuery::mark_spread() {
  QueryAxis* sample = axis_named(asked_.axes, "sample");
  const auto refuse = [&](const std::string& problem, const std::string& remedy) {
    throw UsageError(spread_option(query_), problem, remedy);
  };
  if (sample == nullptr) {
    refuse("is over samples, and " + query_.variable + " was stored without them",
           "Keep them with decompose --axes sample");
  }
  if (sample->how != Reduction::mean) {
    refuse("is of means over samples", "Leave out --sum sample, or ask for --mean sample");
  }
  if (sample->largest_group() < 2) {
    refuse("no row has two samples, so there is no spread",
           "Group samples, as in --group-by group, or leave it out");
  }
  if (!query_.absolute.empty() && !contains(query_.absolute, "sample")) {
    refuse("samples are averaged inside |·|", "Add sample to --absolute");
  }
  if (!CommittedEntries(store_, variable_, asked_.axes).complete()) {
    refuse("some of the samples are not committed yet",
           "Finish the store (decompose --resume), or --select what is there");
  }
  sample->apart = true;
  spread_ = sample;
}

/// Axes that are apart become rows: means first, so that what is not there counts as nothing and
/// not as zero, and among them those of samples before those of segments, as while walking; with
/// errors samples come last.
Cells BaseQuery::fold_apart(Cells cells, std::vector<double>& errors,
                            std::vector<std::vector<double>>& drawings) const {
  const std::vector<QueryAxis>& axes = asked_.axes;
  std::vector<size_t> order;
  for (const bool mean : {true, false}) {
    for (size_t a = axes.size(); a-- > 0;) {
      const bool wanted = axes[a].apart && &axes[a] != spread_;
      if (wanted && (axes[a].how == Reduction::mean) == mean) order.push_back(a);
    }
  }
  for (const size_t a : order) cells = fold(cells, a, axes[a]);
  if (spread_ == nullptr) return cells;
  const auto a = static_cast<size_t>(spread_ - axes.data());
  if (query_.bootstrap.times > 0) drawings = drawn_means(cells, a, *spread_, query_.bootstrap);
  return fold(cells, a, *spread_, &errors);
}

/// Rows, and of how many entries they are made. Which rows there are is decided by segments and
/// samples alone, so that the other axes need not be gone through.
void BaseQuery::count_rows(QueryResult& result) const {
  const std::vector<QueryAxis>& axes = asked_.axes;
  const CommittedEntries committed(store_, variable_, axes);
  const std::vector<size_t> said = places_of(result.statement, axes);
  const auto decides = [&](size_t a) {
    const std::string& name = axes[a].coordinates.name;
    return name == "segment" || name == "sample";
  };
  std::vector<size_t> place(axes.size(), 0);
  const auto note = [&](size_t i) {
    Statement::Axis& axis = result.statement.axes[i];
    const int64_t count = committed.count(said[i], place);
    axis.least = axis.most == 0 ? count : std::min(axis.least, count);
    axis.most = std::max(axis.most, count);
  };
  int64_t others = 1, there = 0;
  std::vector<size_t> deciding;
  for (size_t a = 0; a < axes.size(); ++a) {
    if (decides(a)) {
      deciding.push_back(a);
    } else {
      others *= static_cast<int64_t>(axes[a].keys.size());
    }
  }
  for (bool more = true; more;) {
    const bool row = query_.whole || committed.any(place);
    if (row) ++there;
    for (size_t i = 0; row && i < said.size(); ++i) {
      if (decides(said[i])) note(i);
    }
    more = false;
    for (size_t d = deciding.size(); d-- > 0 && !more;) {
      more = ++place[deciding[d]] < axes[deciding[d]].keys.size();
      if (!more) place[deciding[d]] = 0;
    }
  }
  for (size_t i = 0; there > 0 && i < said.size(); ++i) {
    if (decides(said[i])) continue;
    for (size_t& key = place[said[i]]; key < axes[said[i]].keys.size(); ++key) note(i);
    place[said[i]] = 0;
  }
  result.rows = there * others;
}

QueryResult BaseQuery::head() const {
  QueryResult result;
  result.variable = query_.variable + (query_.absolute.empty() ? "" : "_abs");
  result.units = store_.unit(query_.variable);
  if (query_.absolute.empty()) result.sign = sign_of(store_, query_.variable);
  for (const QueryAxes::Column& column : asked_.columns) {
    result.columns.push_back(
        {column.name, column.number, asked_.axes[column.axis].coordinates.name});
  }
  for (const QueryAxis& axis : asked_.axes) {
    if (axis.kept.empty()) continue;
    QueryResult::Axis kept{.name = axis.coordinates.name, .columns = {}, .keys = axis.keys};
    for (const Coordinate* each : axis.kept) {
      kept.columns.push_back({each->name, each->number, kept.name});
    }
    result.axes.push_back(std::move(kept));
    if (query_.whole) result.shape.push_back(static_cast<int64_t>(axis.keys.size()));
  }
  result.statement = row_statement(store_, variable_, query_, asked_, spread_);
  result.counted = query_.keys;
  count_rows(result);
  return result;
}

size_t BaseQuery::leading() const {
  return asked_.axes.empty() ? 1 : asked_.axes.front().keys.size();
}

double BaseQuery::bytes_of_part(size_t keys) const {
  double cells = 1, rows = 1, row = 2 * sizeof(double);
  bool apart = false;
  for (size_t a = 0; a < asked_.axes.size(); ++a) {
    const QueryAxis& axis = asked_.axes[a];
    const size_t here = a == 0 ? std::min(keys, axis.keys.size()) : axis.keys.size();
    const double share = static_cast<double>(here) / static_cast<double>(axis.keys.size());
    cells *= static_cast<double>(axis.apart ? axis.cells() : axis.keys.size()) * share;
    rows *= static_cast<double>(here);
    if (query_.keys) row += key_bytes(axis) + sizeof(int64_t);
    apart = apart || axis.apart;
  }
  constexpr double cell = sizeof(double) + 0.125, block = 8 << 20;
  if (query_.keys) row += 2 * sizeof(std::vector<double>);
  row += sizeof(double) * static_cast<double>(query_.bootstrap.times);
  return block + cells * cell * (apart ? 2 : 1) + rows * row;
}

QueryResult BaseQuery::part(size_t begin, size_t end) {
  QueryResult result = head();
  QueryAxis whole_axis;
  const bool cut = !asked_.axes.empty() && (begin > 0 || end < leading());
  QueryAxis* first = cut ? &asked_.axes.front() : nullptr;
  const auto swap = [&] {
    std::swap(first->chosen, whole_axis.chosen);
    std::swap(first->group, whole_axis.group);
    std::swap(first->keys, whole_axis.keys);
  };
  if (cut) {
    whole_axis.group = first->group;
    whole_axis.chosen = first->chosen;
    for (size_t i = 0; i < first->chosen.size(); ++i) {
      const bool inside = first->chosen[i] && first->group[i] >= begin && first->group[i] < end;
      whole_axis.chosen[i] = inside;
      whole_axis.group[i] = inside ? first->group[i] - begin : 0;
    }
    whole_axis.keys.assign(first->keys.begin() + static_cast<std::ptrdiff_t>(begin),
                           first->keys.begin() + static_cast<std::ptrdiff_t>(end));
    swap();
  }
  const CommittedEntries committed(store_, variable_, asked_.axes);
  Cells cells = walk(store_, variable_, asked_.axes, committed, result.uncommitted);
  if (!query_.absolute.empty()) {
    for (double& value : cells.values) value = std::abs(value);
  }
  std::vector<double> errors;
  std::vector<std::vector<double>> drawings;
  cells = fold_apart(std::move(cells), errors, drawings);
  fill(result, cells, errors, drawings, committed);
  if (cut) swap();
  return result;
}

void BaseQuery::fill(QueryResult& result, const Cells& cells, const std::vector<double>& errors,
                     const std::vector<std::vector<double>>& drawings,
                     const CommittedEntries& committed) const {
  const std::vector<QueryAxis>& axes = asked_.axes;
  const std::vector<size_t> said = places_of(result.statement, axes);
  result.drawings.resize(drawings.size());
  std::vector<size_t> place(axes.size(), 0);  // of the cell
  for (size_t cell = 0; cell < cells.values.size(); ++cell, advance(place, axes)) {
    if (!cells.seen[cell] && !query_.whole) continue;
    if (query_.first > 0 && static_cast<int64_t>(result.values.size()) >= query_.first) break;
    std::vector<std::string> key;
    for (const QueryAxes::Column& column : asked_.columns) {
      if (query_.keys) key.push_back(axes[column.axis].keys[place[column.axis]][column.place]);
    }
    std::vector<int64_t> counts;
    for (const size_t axis : said) {
      if (query_.keys) counts.push_back(committed.count(axis, place));
    }
    if (query_.keys) result.keys.push_back(std::move(key));
    if (query_.keys) result.counts.push_back(std::move(counts));
    result.values.push_back(cells.seen[cell] ? cells.values[cell]
                                             : std::numeric_limits<double>::quiet_NaN());
    if (query_.error) result.errors.push_back(errors[cell]);
    for (size_t each = 0; each < drawings.size(); ++each) {
      result.drawings[each].push_back(drawings[each][cell]);
    }
  }
}

}  // namespace explaind
