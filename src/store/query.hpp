#pragma once
// Slicing, grouping and comparing a store without loading it.

#include <cstdint>
#include <string>
#include <vector>

#include "store/reduction.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// Percentile intervals of means over samples, by drawing samples anew.
struct Resampling {
  int64_t times = 0;  ///< 0: no interval
  uint64_t seed = 1;
};

struct Query {
  std::string variable = "psi";
  std::vector<std::string> sum;        ///< axes to add up
  std::vector<std::string> mean;       ///< axes to average
  std::vector<std::string> group_by;   ///< coordinates that stay; of all else nothing stays
  std::vector<std::string> select;     ///< NAME=SELECTION (core/selection.hpp), each name once
  std::vector<std::string> absolute;   ///< Ψ̄: axes taken together outside |·|; empty: no |·|
  bool share_key_value_heads = false;  ///< equally among their query heads (shared_heads.hpp)
  bool error = false;                  ///< also the standard error over samples
  Resampling bootstrap;                ///< also an interval (operations/bootstrap.hpp)
  std::vector<std::string> minus;      ///< less the same of these selections, as in `select`
  const StoreReader* minus_store = nullptr;  ///< less the same of this store
  std::vector<std::string> share;  ///< parts of the sum of rows that agree in these; "all": of all
  bool cumulative = false;         ///< running sums along segments
  int64_t top = 0;                 ///< K largest by absolute value; 0: all, in the axes' order
  int64_t highest = 0;             ///< K largest, signed; with `lowest` both, the highest first
  int64_t lowest = 0;              ///< K smallest, signed
  int64_t first = 0;               ///< only so many rows, the first ones; 0: all
  bool keys = true;    ///< false: rows without their keys, of an array as large as a tensor, say
  bool whole = false;  ///< also the combinations that have no committed entry, as NaN
  bool every_coordinate = false;  ///< of axes that stay whole: all of them, not the main ones
};

struct QueryResult {
  struct Column {
    std::string name;
    bool number = false;
    std::string axis;  ///< of the variable
  };
  /// An axis of the variable of which coordinates stay: their distinct values.
  struct Axis {
    std::string name;
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> keys;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> keys;  ///< per row, one text per column
  std::vector<double> values;
  std::vector<double> errors;     ///< with `error`: per row, NaN of a single sample
  std::vector<double> low, high;  ///< with `bootstrap`: per row, NaN of a single sample
  std::vector<int64_t> shape;  ///< with `whole`: of the values as an array, an axis that stays each
  std::vector<Axis> axes;      ///< the same axes, with and without `whole`; none of a list of rows
  std::string variable, units;
  std::string sign;                          ///< what a negative value means; may be empty
  Statement statement;                       ///< what a row is made of
  std::vector<std::vector<int64_t>> counts;  ///< per row: entries of each axis of the statement
  bool counted = false;                      ///< rows have such counts
  std::vector<std::string> notes;            ///< what a reader must know besides
  int64_t rows = 0;                          ///< that there are, with those after `first`
  int64_t uncommitted = 0;  ///< entries left out because their unit is not there yet
  /// With `bootstrap`, until the intervals are known: the values of each drawing, per row.
  std::vector<std::vector<double>> drawings;
};

/// These rows of a result alone, in this order; an array becomes a list.
void keep_rows(QueryResult& result, const std::vector<size_t>& rows);

/// Kept are the axes of `group_by`'s coordinates (one row per distinct value); without group_by all
/// axes that are in neither `sum` nor `mean`, by their main coordinates (step_from and step_to; id
/// and group; component, and head where key-value heads are shared; position). Entries that share a
/// row are averaged along the axes in `mean`, added along those in `sum`, and along the others
/// become what default_reduction says.
///
/// What is not committed takes no part: along a summed axis every entry averages what it has.
///
/// With `absolute`, those axes are taken together after |·| and all others before (Ψ̄, method.md
/// §3), even where the axis' own coordinates make groups. What was summed before it was stored is
/// inside |·| and cannot be brought out.
///
/// Of these rows come, in this order: differences, shares, running sums, intervals, and the choice
/// of rows by their values (operations/).
///
/// Reads a few megabytes at a time and keeps one number for every sum inside |·|. Throws UsageError
/// for an axis, coordinate or selection that does not exist and for what does not go together,
/// DataError for the file.
QueryResult run(const StoreReader& store, const Query& query);

}  // namespace explaind
