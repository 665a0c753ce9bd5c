#include "store/score_walk.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "store/stored_array.hpp"
#include "store/walk_windows.hpp"

namespace explaind {
namespace {

/// Values that are read at once.
constexpr int64_t block_size = int64_t{1} << 19;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Cells empty_cells(std::vector<size_t> shape, bool largest) {
  size_t count = 1;
  for (const size_t length : shape) count *= length;
  return {.shape = std::move(shape),
          .values =
              std::vector<double>(count, largest ? -std::numeric_limits<double>::infinity() : 0.0),
          .seen = std::vector<uint8_t>(count, 0)};
}

/// NaN, of a rule without an estimate, must not get lost in a maximum.
double larger(double known, double value) {
  return value > known || std::isnan(value) ? value : known;
}

/// Entries of an axis within a block, ready for the innermost loops.
struct Line {
  std::vector<size_t> read_at, cell;  ///< per entry
  std::vector<double> share;          ///< per entry: what a score there counts; empty: 1
  std::vector<size_t> index;          ///< per entry: its place in the file
  std::vector<uint8_t> further;       ///< per entry: a further portion of the one before
  std::vector<size_t> reached;        ///< cells, each once
  int64_t first_portions = 0;
  bool in_order = true;  ///< places and cells both follow each other
};

/// Every chosen entry, block by block, goes to the cell of its row.
class Walk {
 public:
  Walk(const StoreReader& store, const StoredVariable& variable, const std::vector<QueryAxis>& axes,
       const CommittedEntries& committed)
      : variable_(variable),
        axes_(axes),
        committed_(committed),
        array_(store.open_array(variable.name)),
        windows_(windows_of(axes, array_.chunk(), block_size)) {
    largest_ = std::any_of(axes_.begin(), axes_.end(), [](const QueryAxis& axis) {
      return !axis.apart && axis.how == Reduction::largest;
    });
    const std::string last = variable_.dims.empty() ? "" : variable_.dims.back();
    marks_in_line_ = !committed_.complete() && (last == "segment" || last == "sample");
    std::vector<size_t> shape;
    for (const QueryAxis& axis : axes_) shape.push_back(axis.cells());
    cells_ = empty_cells(std::move(shape), largest_);
    for (size_t a = 0; a < axes_.size(); ++a) {
      std::vector<Line>& lines = prepared_.emplace_back();
      for (const AxisWindow& window : windows_[a]) lines.push_back(line_of(axes_[a], window));
    }
  }

  Cells run() {
    lines_.resize(axes_.size());
    std::vector<const AxisWindow*> block;
    visit_blocks(block);
    divide();
    return std::move(cells_);
  }
  [[nodiscard]] int64_t uncommitted() const { return uncommitted_; }

 private:
  void visit_blocks(std::vector<const AxisWindow*>& block) {
    const size_t axis = block.size();
    if (axis < axes_.size()) {
      for (size_t i = 0; i < windows_[axis].size(); ++i) {
        block.push_back(&windows_[axis][i]);
        lines_[axis] = &prepared_[axis][i];
        visit_blocks(block);
        block.pop_back();
      }
      return;
    }
    read(block);
    index_.assign(axes_.size(), 0);
    visit(0, 0, 0, 1.0);
  }

  static Line line_of(const QueryAxis& axis, const AxisWindow& window) {
    Line line;
    line.read_at = window.read_at;
    const bool weighed = averages(axis) && !axis.weights.empty();
    for (size_t i = 0; i < window.entries.size(); ++i) {
      const size_t entry = window.entries[i];
      line.cell.push_back(axis.cell(entry));
      line.index.push_back(axis.place[entry]);
      line.further.push_back(i > 0 && line.index[i] == line.index[i - 1] ? 1 : 0);
      line.first_portions += 1 - line.further.back();
      // An axis has shares, or weights, or neither.
      if (!axis.share.empty()) line.share.push_back(axis.share[entry]);
      if (weighed) line.share.push_back(axis.weights[entry]);
      if (i > 0 &&
          (line.read_at[i] != line.read_at[i - 1] + 1 || line.cell[i] != line.cell[i - 1] + 1)) {
        line.in_order = false;
      }
    }
    line.reached = line.cell;
    std::sort(line.reached.begin(), line.reached.end());
    line.reached.erase(std::unique(line.reached.begin(), line.reached.end()), line.reached.end());
    return line;
  }

  /// Every run of places of every axis, into one array of all that are read.
  void read(const std::vector<const AxisWindow*>& block) {
    StoredArray::Part part;
    size_t size = 1;
    for (const AxisWindow* window : block) {
      part.shape.push_back(window->read);
      size *= static_cast<size_t>(window->read);
    }
    part.start = part.count = part.at = std::vector<int64_t>(block.size(), 0);
    values_.resize(std::max(size, values_.size()));
    read_runs(block, 0, part);
    strides_.assign(block.size(), 1);
    for (size_t a = block.size(); a-- > 1;) {
      strides_[a - 1] = strides_[a] * static_cast<size_t>(block[a]->read);
    }
  }

  void read_runs(const std::vector<const AxisWindow*>& block, size_t axis,
                 StoredArray::Part& part) {
    if (axis == block.size()) {
      array_.read(part, values_.data());
      return;
    }
    for (const PlaceRun& run : block[axis]->runs) {
      part.start[axis] = run.first;
      part.count[axis] = run.count;
      part.at[axis] = run.at;
      read_runs(block, axis + 1, part);
    }
  }

  /// cell, place: of the axes before `depth`, in the cells and in what was read. weight: the
  /// product of theirs.
  void visit(size_t depth, size_t cell, size_t place, double weight) {
    if (depth + 1 >= axes_.size()) {
      visit_line(cell, place, weight);
      return;
    }
    const Line& line = *lines_[depth];
    for (size_t i = 0; i < line.cell.size(); ++i) {
      index_[depth] = static_cast<int64_t>(line.index[i]);
      further_portions_ += line.further[i];
      visit(depth + 1, (cell + line.cell[i]) * axes_[depth + 1].cells(),
            place + line.read_at[i] * strides_[depth],
            line.share.empty() ? weight : weight * line.share[i]);
      further_portions_ -= line.further[i];
    }
  }

  /// The entries of the last axis, of a row of the block.
  void visit_line(size_t cell, size_t place, double weight) {
    if (axes_.empty()) {
      add_to(cells_.values[0], values_[0]);
      cells_.seen[0] = 1;
      return;
    }
    const Line& line = *lines_.back();
    if (marks_in_line_) {
      visit_marked(line, cell, place, weight);
      return;
    }
    if (!committed_.at(index_)) {
      if (further_portions_ == 0) uncommitted_ += line.first_portions;
      return;
    }
    const double counts = committed_.weight(index_);
    for (const size_t each : line.reached) cells_.seen[cell + each] = 1;
    double* const sums = &cells_.values[cell];
    const double* const values = &values_[place];
    if (largest_) {
      for (size_t i = 0; i < line.cell.size(); ++i) {
        sums[line.cell[i]] = larger(sums[line.cell[i]], values[line.read_at[i]]);
      }
    } else if (!line.share.empty()) {
      for (size_t i = 0; i < line.cell.size(); ++i) {
        sums[line.cell[i]] += weight * line.share[i] * counts * values[line.read_at[i]];
      }
    } else if (line.in_order) {
      add_in_order(&sums[line.cell[0]], &values[line.read_at[0]], line.cell.size(),
                   weight * counts);
    } else {
      add_gathered(sums, values, line, weight * counts);
    }
  }

  static void add_in_order(double* sums, const double* values, size_t count, double weight) {
    for (size_t i = 0; i < count; ++i) sums[i] += weight * values[i];
  }

  /// Neighbours often share a cell: its sum stays in a register meanwhile.
  static void add_gathered(double* sums, const double* values, const Line& line, double weight) {
    const size_t* const cells = line.cell.data();
    const size_t* const places = line.read_at.data();
    size_t cell = cells[0];
    double sum = sums[cell];
    for (size_t i = 0; i < line.cell.size(); ++i) {
      if (cells[i] != cell) {
        sums[cell] = sum;
        cell = cells[i];
        sum = sums[cell];
      }
      sum += weight * values[places[i]];
    }
    sums[cell] = sum;
  }

  /// A line along which some entries are there and others are not.
  void visit_marked(const Line& line, size_t cell, size_t place, double weight) {
    for (size_t i = 0; i < line.cell.size(); ++i) {
      index_.back() = static_cast<int64_t>(line.index[i]);
      if (!committed_.at(index_)) {
        if (further_portions_ + line.further[i] == 0) ++uncommitted_;
        continue;
      }
      const double value = values_[place + line.read_at[i]];
      const double share = line.share.empty() ? weight : weight * line.share[i];
      double& sum = cells_.values[cell + line.cell[i]];
      sum = largest_ ? larger(sum, value) : sum + share * committed_.weight(index_) * value;
      cells_.seen[cell + line.cell[i]] = 1;
    }
  }

  void add_to(double& sum, double value) const {
    sum = largest_ ? larger(sum, value) : sum + value;
  }

  static bool averages(const QueryAxis& axis) { return !axis.apart && axis.how == Reduction::mean; }
  static double weight_of(const QueryAxis& axis, size_t entry) {
    return axis.weights.empty() ? 1.0 : axis.weights[entry];
  }

  /// What was added up becomes means: once at the end, so that sums of few numbers stay exact.
  void divide() {
    for (size_t a = 0; a < axes_.size(); ++a) {
      const std::string& name = variable_.dims[a];
      const bool weighed = !committed_.complete() && (name == "segment" || name == "sample");
      if (!averages(axes_[a]) || weighed) continue;
      std::vector<double> totals(axes_[a].keys.size(), 0.0);
      const std::vector<bool> counted = axes_[a].counted();
      for (size_t i = 0; i < counted.size(); ++i) {
        if (counted[i]) totals[axes_[a].group[i]] += weight_of(axes_[a], i);
      }
      size_t inner = 1;
      for (size_t d = a + 1; d < axes_.size(); ++d) inner *= cells_.shape[d];
      for (size_t cell = 0; cell < cells_.values.size(); ++cell) {
        cells_.values[cell] /= totals[cell / inner % totals.size()];
      }
    }
  }

  const StoredVariable& variable_;
  const std::vector<QueryAxis>& axes_;
  const CommittedEntries& committed_;
  StoredArray array_;
  std::vector<std::vector<AxisWindow>> windows_;  ///< per axis
  std::vector<double> values_;                    ///< of the block that was read last
  std::vector<size_t> strides_;                   ///< of its axes
  std::vector<std::vector<Line>> prepared_;       ///< entries of every window, per axis
  std::vector<const Line*> lines_;                ///< those of this block, per axis
  std::vector<int64_t> index_;                    ///< the places of what is visited
  bool largest_ = false;
  bool marks_in_line_ = false;  ///< whether an entry is there differs along the last axis
  Cells cells_;
  int64_t uncommitted_ = 0;
  int further_portions_ = 0;  ///< axes at which the present entry is not its stored entry's first
};

/// The standard error of the mean of n values with this sum of squares about it.
double standard_error(double squares, double n) {
  return n > 1 ? std::sqrt(squares / (n - 1) / n) : nan;
}

}  // namespace

Cells walk(const StoreReader& store, const StoredVariable& variable,
           const std::vector<QueryAxis>& axes, const CommittedEntries& committed,
           int64_t& uncommitted) {
  Walk walk(store, variable, axes, committed);
  Cells cells = walk.run();
  uncommitted += walk.uncommitted();
  return cells;
}

Cells fold(const Cells& cells, size_t a, const QueryAxis& axis, std::vector<double>* errors) {
  std::vector<size_t> shape = cells.shape;
  shape[a] = axis.keys.size();
  const bool largest = axis.how == Reduction::largest, mean = axis.how == Reduction::mean;
  Cells folded = empty_cells(shape, largest);
  size_t inner = 1;
  for (size_t d = a + 1; d < shape.size(); ++d) inner *= shape[d];
  const size_t entries = cells.shape[a];
  std::vector<double> total(folded.values.size(), 0.0), squares(folded.values.size(), 0.0);
  const auto for_every = [&](const auto& visit) {
    for (size_t cell = 0; cell < cells.values.size(); ++cell) {
      const size_t entry = cell / inner % entries;
      if (!cells.seen[cell]) continue;
      const size_t outer = cell / inner / entries;
      visit(cells.values[cell], entry,
            (outer * shape[a] + axis.group[entry]) * inner + cell % inner);
    }
  };
  const std::vector<bool> counted = axis.counted();
  for_every([&](double value, size_t entry, size_t to) {
    const double weight = mean && !axis.weights.empty() ? axis.weights[entry] : 1.0;
    folded.seen[to] = 1;
    if (counted[entry]) total[to] += weight;
    folded.values[to] =
        largest ? larger(folded.values[to], value) : folded.values[to] + weight * value;
  });
  if (mean) {
    for (size_t to = 0; to < total.size(); ++to) {
      if (folded.seen[to]) folded.values[to] /= total[to];
    }
  }
  if (errors == nullptr) return folded;
  for_every([&](double value, size_t, size_t to) {
    squares[to] += (value - folded.values[to]) * (value - folded.values[to]);
  });
  errors->resize(total.size());
  for (size_t to = 0; to < total.size(); ++to)
    (*errors)[to] = standard_error(squares[to], total[to]);
  return folded;
}

}  // namespace explaind
