#pragma once
// Slicing and grouping a store without loading it.

#include <cstdint>
#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace explaind {

struct Query {
  std::string variable = "psi";
  std::vector<std::string> sum;       ///< axes to sum over
  std::vector<std::string> group_by;  ///< coordinates that stay; all else is summed
  std::vector<std::string> select;    ///< name=value, alternatives a|b, ranges lo:hi, wildcards *
  std::vector<std::string> absolute;  ///< Ψ̄: axes summed outside |·|; empty: no absolute values
  int64_t top = 0;                    ///< K largest by absolute value; 0: all, in the axes' order
  bool keys = true;    ///< false: rows without their keys, of an array as large as a tensor, say
  bool whole = false;  ///< also the combinations that have no committed entry, as NaN
};

struct QueryResult {
  struct Column {
    std::string name;
    bool number = false;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> keys;  ///< per row, one text per column
  std::vector<double> values;
  std::vector<int64_t> shape;  ///< with `whole`: of the values as an array, an axis that stays each
  std::string variable, units, reduction;  ///< reduction: "sum", "max" for quadrature_error, or in
                                           ///< words what was summed inside and outside of |·|
  int64_t uncommitted = 0;                 ///< entries left out because their unit is not there yet
};

/// These rows of a result alone, in this order; an array becomes a list.
void keep_rows(QueryResult& result, const std::vector<size_t>& rows);

/// Axes of a variable are summed unless kept. Kept: the axes of `group_by`'s coordinates (one row
/// per distinct value); without group_by all axes that are not in `sum`, by their main coordinates
/// (step_from and step_to; id and group; component; position).
///
/// With `absolute`, Σ over those axes of |Σ over the others that do not stay| (Ψ̄, method.md §3): an
/// axis of the list is added up after |·| even where its coordinates make groups. What was summed
/// before it was stored is inside |·| and cannot be brought out.
///
/// Reads a few megabytes at a time and keeps one number for every sum inside |·|. Throws UsageError
/// for an axis, coordinate or selection that does not exist, DataError for the file.
QueryResult run(const StoreReader& store, const Query& query);

}  // namespace explaind
