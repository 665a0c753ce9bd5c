#pragma once
// The axes of a query: which entries take part, which rows they go to, and what becomes of those
// that share a row.

#include <string>
#include <vector>

#include "store/axis_coordinates.hpp"
#include "store/query.hpp"

namespace explaind {

/// Entries of an axis are what is stored, or portions of it (`share` of what is at `place`).
/// Portions of one stored entry count as one entry wherever they meet in a row.
struct QueryAxis {
  AxisCoordinates coordinates;
  size_t stored = 0;          ///< length of the axis in the file
  std::vector<size_t> place;  ///< per entry: its place there
  std::vector<double> share;  ///< per entry: its part of the score there; empty: all of it
  std::vector<const Coordinate*> kept;         ///< coordinates that are columns
  std::vector<bool> chosen;                    ///< per entry
  std::vector<size_t> group;                   ///< per entry: index into keys
  std::vector<std::vector<std::string>> keys;  ///< distinct values of `kept`, by first appearance
  Reduction how = Reduction::sum;              ///< of entries that share a key
  std::vector<double> weights;                 ///< per entry, of a mean; empty: all the same
  bool apart = false;  ///< every entry is a cell of its own until the axis is folded

  /// Cells along the axis, and the one of an entry, while the variable is walked.
  [[nodiscard]] size_t cells() const { return apart ? group.size() : keys.size(); }
  [[nodiscard]] size_t cell(size_t entry) const { return apart ? entry : group[entry]; }
  /// Per key: entries that take part.
  [[nodiscard]] std::vector<int64_t> counts() const;
  /// Per entry: whether it takes part and is the first portion of its stored entry in its key.
  [[nodiscard]] std::vector<bool> counted() const;
  /// Entries that take part, of the key that has most of them.
  [[nodiscard]] size_t largest_group() const;
};

/// The axes of the variable, selected from and grouped, and the columns in their order. Throws
/// UsageError for an axis, coordinate or selection that does not exist, one that is selected from
/// twice, and a selection that nothing has.
struct QueryAxes {
  QueryAxes(const StoreReader& store, const StoredVariable& variable, const Query& query);

  std::vector<QueryAxis> axes;
  struct Column {
    std::string name;
    bool number;
    size_t axis, place;  ///< of the value: within this axis' keys
  };
  std::vector<Column> columns;
  std::string shared;  ///< how entries were divided, in words; empty: they are as they are stored
};

/// The coordinate that a selection "NAME=…" is of, under its own name: step_to of `step`, id of
/// `sample`. Throws UsageError naming the option where it is no selection.
std::string selected_coordinate(const std::string& selection, const std::string& option);

}  // namespace explaind
