#pragma once
// A pass over a stored variable that adds every chosen entry to the cell of its row.

#include <cstdint>
#include <vector>

#include "store/committed_entries.hpp"

namespace explaind {

/// An array with an axis for every axis of the variable, row-major.
struct Cells {
  std::vector<size_t> shape;
  std::vector<double> values;
  std::vector<uint8_t> seen;  ///< 1: something was put there
};

/// Takes entries together that share a cell: sums, means and largest of the axes that are not
/// apart. Reads a few megabytes at a time, and of each axis little but what is chosen. uncommitted:
/// grows by the entries that are not there.
Cells walk(const StoreReader& store, const StoredVariable& variable,
           const std::vector<QueryAxis>& axes, const CommittedEntries& committed,
           int64_t& uncommitted);

/// Takes the cells of axis `a`, which was apart, together to those of its keys. errors: where
/// given, becomes the standard error of the mean over the axis, a cell each, NaN of a single entry.
Cells fold(const Cells& cells, size_t a, const QueryAxis& axis,
           std::vector<double>* errors = nullptr);

}  // namespace explaind
