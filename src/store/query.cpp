#include "store/query.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "store/axis_coordinates.hpp"

namespace explaind {
namespace {

/// One axis of a query: which entries take part, and to which row group each belongs.
struct QueryAxis {
  AxisCoordinates coordinates;
  std::vector<const Coordinate*> kept;         ///< coordinates that are columns
  std::vector<bool> chosen;                    ///< per entry
  std::vector<size_t> group;                   ///< per entry: index into keys
  std::vector<std::vector<std::string>> keys;  ///< distinct values of `kept`, by first appearance
  bool outside = false;  ///< of |·|: every entry is a cell of its own until then

  /// Cells along the axis, and the one of an entry, while the variable is walked.
  [[nodiscard]] size_t cells() const { return outside ? group.size() : keys.size(); }
  [[nodiscard]] size_t cell(size_t entry) const { return outside ? entry : group[entry]; }
};

std::vector<QueryAxis> read_axes(const StoreReader& store, const StoredVariable& variable,
                                 const Query& query) {
  std::vector<AxisCoordinates> coordinates;
  std::vector<std::vector<bool>> chosen;
  for (size_t a = 0; a < variable.dims.size(); ++a) {
    coordinates.push_back(read_axis(store, variable.dims[a], variable.shape[a]));
    chosen.emplace_back(static_cast<size_t>(variable.shape[a]), true);
  }
  for (const std::string& selection : query.select) select(selection, coordinates, chosen);
  std::vector<QueryAxis> axes;
  for (size_t a = 0; a < coordinates.size(); ++a) {
    axes.push_back({.coordinates = std::move(coordinates[a]),
                    .kept = {},
                    .chosen = std::move(chosen[a]),
                    .group = {},
                    .keys = {}});
  }
  return axes;
}

/// The coordinates that become columns, in the order of the columns.
std::vector<std::string> column_names(const Query& query, const std::vector<QueryAxis>& axes) {
  for (const std::string& axis : query.sum) {
    if (std::none_of(axes.begin(), axes.end(),
                     [&](const QueryAxis& each) { return each.coordinates.name == axis; })) {
      throw UsageError("--sum", query.variable + " has no axis '" + axis + "'",
                       "See explaind inspect");
    }
  }
  if (!query.group_by.empty()) return query.group_by;
  std::vector<std::string> names;
  for (const QueryAxis& axis : axes) {
    const std::string& name = axis.coordinates.name;
    if (std::find(query.sum.begin(), query.sum.end(), name) != query.sum.end()) continue;
    for (const std::string& main : axis.coordinates.main()) names.push_back(main);
  }
  return names;
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

/// Values that are read at once.
constexpr int64_t block_size = int64_t{1} << 19;

/// Walks the variable in blocks of its last axes.
class Walk {
 public:
  Walk(const StoreReader& store, const StoredVariable& variable, std::vector<QueryAxis>& axes,
       QueryResult& result)
      : store_(store), variable_(variable), axes_(axes), result_(result) {
    const bool has_commits = store.has("committed");
    if (has_commits) {
      commit_dims_ = store.variable("committed").dims;
      committed_ = store.read("committed");
      commit_shape_ = store.variable("committed").shape;
    }
    int64_t size = 1;
    block_ = axes_.size();
    while (block_ > 0 &&
           (block_ == axes_.size() || size * axes_[block_ - 1].coordinates.size <= block_size)) {
      size *= axes_[--block_].coordinates.size;
    }
    maximum_ = variable.name == "quadrature_error";
    result_.reduction = maximum_ ? "max" : "sum";
    size_t cells = 1;
    for (const QueryAxis& axis : axes_) cells *= axis.cells();
    cells_.assign(cells, maximum_ ? -std::numeric_limits<double>::infinity() : 0.0);
    seen_.assign(cells, false);
  }

  void run() {
    std::vector<int64_t> index(axes_.size(), 0);
    visit(0, 0, 0, index);
  }

  [[nodiscard]] const std::vector<double>& cells() const { return cells_; }
  [[nodiscard]] const std::vector<bool>& seen() const { return seen_; }

 private:
  /// cell: of the axes before `depth`. place: of the entry within the block that is read.
  void visit(size_t depth, size_t cell, size_t place, std::vector<int64_t>& index) {
    if (depth == block_) {
      place = 0;
      read_block(index);
    }
    if (depth == axes_.size()) {
      if (is_committed(index)) {
        add(cell, values_[place]);
      } else {
        ++result_.uncommitted;
      }
      return;
    }
    const QueryAxis& axis = axes_[depth];
    for (int64_t i = 0; i < axis.coordinates.size; ++i) {
      const auto entry = static_cast<size_t>(i);
      if (!axis.chosen[entry]) continue;
      index[depth] = i;
      visit(depth + 1, cell * axis.cells() + axis.cell(entry),
            place * static_cast<size_t>(axis.coordinates.size) + entry, index);
    }
  }

  void read_block(std::vector<int64_t>& index) {
    std::vector<int64_t> count(axes_.size(), 1);
    for (size_t d = block_; d < axes_.size(); ++d) {
      index[d] = 0;
      count[d] = axes_[d].coordinates.size;
    }
    values_ = store_.read(variable_.name, index, count);
  }

  [[nodiscard]] bool is_committed(const std::vector<int64_t>& index) const {
    if (commit_dims_.empty()) return true;
    size_t position = 0;
    for (size_t d = 0; d < commit_dims_.size(); ++d) {
      const auto axis = std::find(variable_.dims.begin(), variable_.dims.end(), commit_dims_[d]);
      if (axis == variable_.dims.end()) return true;
      position = position * static_cast<size_t>(commit_shape_[d]) +
                 static_cast<size_t>(index[static_cast<size_t>(axis - variable_.dims.begin())]);
    }
    return committed_[position] != 0;
  }

  void add(size_t cell, double value) {
    seen_[cell] = true;
    // NaN, of a rule without an estimate, must not get lost in a maximum.
    const bool larger = value > cells_[cell] || std::isnan(value);
    cells_[cell] = !maximum_ ? cells_[cell] + value : larger ? value : cells_[cell];
  }

  const StoreReader& store_;
  const StoredVariable& variable_;
  std::vector<QueryAxis>& axes_;
  QueryResult& result_;
  std::vector<std::string> commit_dims_;
  std::vector<int64_t> commit_shape_;
  std::vector<double> committed_;
  size_t block_ = 0;            ///< first axis of a block
  std::vector<double> values_;  ///< of the block that was read last
  bool maximum_ = false;
  std::vector<double> cells_;
  std::vector<bool> seen_;
};

/// Marks the axes that are summed outside |·|. Throws UsageError for one that the variable lacks.
void mark_outside(const Query& query, std::vector<QueryAxis>& axes) {
  for (const std::string& name : query.absolute) {
    const auto axis = std::find_if(axes.begin(), axes.end(), [&](const QueryAxis& each) {
      return each.coordinates.name == name;
    });
    if (axis == axes.end()) {
      throw UsageError("--absolute",
                       query.variable + " has no axis '" + name +
                           "': what was summed before it was stored stays inside |·|",
                       "Keep it with decompose --axes, or see explaind inspect for the axes");
    }
    axis->outside = true;
  }
}

/// The cells after |·|: those of entries outside it are added to the cell of their keys.
struct Folded {
  std::vector<double> cells;
  std::vector<bool> seen;
};

Folded fold_absolute(const std::vector<QueryAxis>& axes, const std::vector<double>& inner,
                     const std::vector<bool>& seen) {
  size_t count = 1;
  for (const QueryAxis& axis : axes) count *= axis.keys.size();
  Folded folded{std::vector<double>(count, 0.0), std::vector<bool>(count, false)};
  std::vector<size_t> place(axes.size(), 0);  // of the inner cell, the last axis fastest
  for (size_t cell = 0; cell < inner.size(); ++cell) {
    if (seen[cell]) {
      size_t to = 0;
      for (size_t a = 0; a < axes.size(); ++a) {
        to = to * axes[a].keys.size() + (axes[a].outside ? axes[a].group[place[a]] : place[a]);
      }
      folded.cells[to] += std::abs(inner[cell]);
      folded.seen[to] = true;
    }
    for (size_t a = axes.size(); a-- > 0 && ++place[a] == axes[a].cells();) place[a] = 0;
  }
  return folded;
}

/// "sum over segment of |sum over component|".
std::string reduction_in_words(const std::vector<QueryAxis>& axes) {
  std::string inside, outside;
  for (const QueryAxis& axis : axes) {
    const auto entries = std::count(axis.chosen.begin(), axis.chosen.end(), true);
    if (static_cast<size_t>(entries) == axis.keys.size()) continue;  // nothing is summed here
    std::string& list = axis.outside ? outside : inside;
    list += (list.empty() ? "" : ", ") + axis.coordinates.name;
  }
  const std::string within = inside.empty() ? "|score|" : "|sum over " + inside + "|";
  return outside.empty() ? within : "sum over " + outside + " of " + within;
}

/// Lengths of the axes of which a coordinate stays.
std::vector<int64_t> shape_of(const std::vector<QueryAxis>& axes) {
  std::vector<int64_t> shape;
  for (const QueryAxis& axis : axes) {
    if (!axis.kept.empty()) shape.push_back(static_cast<int64_t>(axis.keys.size()));
  }
  return shape;
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

}  // namespace

void keep_rows(QueryResult& result, const std::vector<size_t>& rows) {
  std::vector<std::vector<std::string>> keys;
  std::vector<double> values;
  for (const size_t row : rows) {
    keys.push_back(std::move(result.keys[row]));
    values.push_back(result.values[row]);
  }
  result.keys = std::move(keys);
  result.values = std::move(values);
  if (!result.shape.empty()) result.shape = {static_cast<int64_t>(rows.size())};
}

QueryResult run(const StoreReader& store, const Query& query) {
  const StoredVariable variable = store.variable(query.variable);
  std::vector<QueryAxis> axes = read_axes(store, variable, query);
  QueryResult result;
  result.variable = query.variable;
  result.units = store.attribute(query.variable, "units");
  std::vector<std::pair<size_t, size_t>> source;  // per column: axis, place within its key
  for (const std::string& name : column_names(query, axes)) {
    const auto axis = std::find_if(axes.begin(), axes.end(), [&](const QueryAxis& each) {
      return each.coordinates.find(name) != nullptr;
    });
    if (axis == axes.end()) {
      throw UsageError("--group-by", query.variable + " has no coordinate '" + name + "'",
                       "See explaind inspect");
    }
    const Coordinate* coordinate = axis->coordinates.find(name);
    source.emplace_back(static_cast<size_t>(axis - axes.begin()), axis->kept.size());
    axis->kept.push_back(coordinate);
    result.columns.push_back({coordinate->name, coordinate->number});
  }
  for (QueryAxis& axis : axes) group_entries(axis);
  mark_outside(query, axes);

  Walk walk(store, variable, axes, result);
  walk.run();
  Folded found{walk.cells(), walk.seen()};
  if (!query.absolute.empty()) {
    found = fold_absolute(axes, found.cells, found.seen);
    result.variable += "_abs";
    result.reduction = reduction_in_words(axes);
  }
  for (size_t cell = 0; cell < found.cells.size(); ++cell) {
    if (!found.seen[cell] && !query.whole) continue;
    std::vector<size_t> place(axes.size());
    size_t rest = cell;
    for (size_t a = axes.size(); a-- > 0;) {
      place[a] = rest % axes[a].keys.size();
      rest /= axes[a].keys.size();
    }
    std::vector<std::string> key;
    for (const auto& [axis, within] : source) {
      if (!query.keys) break;
      key.push_back(axes[axis].keys[place[axis]][within]);
    }
    result.keys.push_back(std::move(key));
    result.values.push_back(found.seen[cell] ? found.cells[cell]
                                             : std::numeric_limits<double>::quiet_NaN());
  }
  if (query.whole) result.shape = shape_of(axes);
  keep_top(result, query.top);
  return result;
}

}  // namespace explaind
