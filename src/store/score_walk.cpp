#include "store/score_walk.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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
          .seen = std::vector<bool>(count, false)};
}

/// NaN, of a rule without an estimate, must not get lost in a maximum.
double larger(double known, double value) {
  return value > known || std::isnan(value) ? value : known;
}

/// Walks the variable in blocks of its last axes.
class Walk {
 public:
  Walk(const StoreReader& store, const StoredVariable& variable, const std::vector<QueryAxis>& axes,
       const CommittedEntries& committed)
      : store_(store), variable_(variable), axes_(axes), committed_(committed) {
    int64_t size = 1;
    block_ = axes_.size();
    while (block_ > 0 &&
           (block_ == axes_.size() || size * stored(axes_[block_ - 1]) <= block_size)) {
      size *= stored(axes_[--block_]);
    }
    largest_ = std::any_of(axes_.begin(), axes_.end(), [](const QueryAxis& axis) {
      return !axis.apart && axis.how == Reduction::largest;
    });
    std::vector<size_t> shape;
    for (const QueryAxis& axis : axes_) shape.push_back(axis.cells());
    cells_ = empty_cells(std::move(shape), largest_);
  }

  Cells run() {
    std::vector<int64_t> index(axes_.size(), 0);
    visit(0, 0, 0, 1.0, index);
    divide();
    return std::move(cells_);
  }
  [[nodiscard]] int64_t uncommitted() const { return uncommitted_; }

 private:
  /// cell: of the axes before `depth`. place: of the entry within the block that is read. weight:
  /// the product of those of the axes before.
  void visit(size_t depth, size_t cell, size_t place, double weight, std::vector<int64_t>& index) {
    if (depth == block_) {
      place = 0;
      read_block(index);
    }
    if (depth == axes_.size()) {
      if (committed_.at(index)) {
        add(cell, values_[place], weight * committed_.weight(index));
      } else if (further_portions_ == 0) {
        ++uncommitted_;
      }
      return;
    }
    const QueryAxis& axis = axes_[depth];
    int64_t visited = -1;  // the place that was visited last
    for (size_t entry = 0; entry < axis.chosen.size(); ++entry) {
      if (!axis.chosen[entry]) continue;
      index[depth] = static_cast<int64_t>(axis.place[entry]);
      const int further = index[depth] == visited ? 1 : 0;
      visited = index[depth];
      further_portions_ += further;
      const double share = axis.share.empty() ? 1.0 : axis.share[entry];
      visit(depth + 1, cell * axis.cells() + axis.cell(entry),
            place * axis.stored + axis.place[entry],
            averages(axis) ? weight * share * weight_of(axis, entry) : weight * share, index);
      further_portions_ -= further;
    }
  }

  void read_block(std::vector<int64_t>& index) {
    std::vector<int64_t> count(axes_.size(), 1);
    for (size_t d = block_; d < axes_.size(); ++d) {
      index[d] = 0;
      count[d] = stored(axes_[d]);
    }
    values_ = store_.read(variable_.name, index, count);
  }

  void add(size_t cell, double value, double weight) {
    cells_.seen[cell] = true;
    double& sum = cells_.values[cell];
    sum = largest_ ? larger(sum, value) : sum + weight * value;
  }

  static int64_t stored(const QueryAxis& axis) { return static_cast<int64_t>(axis.stored); }
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

  const StoreReader& store_;
  const StoredVariable& variable_;
  const std::vector<QueryAxis>& axes_;
  const CommittedEntries& committed_;
  size_t block_ = 0;            ///< first axis of a block
  std::vector<double> values_;  ///< of the block that was read last
  bool largest_ = false;
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
    folded.seen[to] = true;
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
