#pragma once
// The rows of a query before anything is done with them: what is selected, grouped and taken
// together; whole, or a part at a time.

#include "store/committed_entries.hpp"
#include "store/query.hpp"
#include "store/query_axes.hpp"
#include "store/score_walk.hpp"

namespace explaind {

/// The axes of the variable, what becomes of their entries, and which of these are there.
class BaseQuery {
 public:
  /// Throws as run() does.
  BaseQuery(const StoreReader& store, const Query& query);

  [[nodiscard]] const StoredVariable& variable() const { return variable_; }
  [[nodiscard]] const std::vector<QueryAxis>& axes() const { return asked_.axes; }
  [[nodiscard]] Nature nature() const { return nature_; }

  /// Everything but rows: columns, axes, shape and statement are those of the whole.
  [[nodiscard]] QueryResult head() const;
  /// All rows; with `first` only so many.
  QueryResult rows() { return part(0, leading()); }

  /// Keys along the first axis, by which the rows can be had in parts: those of the keys [begin,
  /// end), in order.
  [[nodiscard]] size_t leading() const;
  QueryResult part(size_t begin, size_t end);
  /// Bytes that a part of so many keys needs while it is made.
  [[nodiscard]] double bytes_of_part(size_t keys) const;

 private:
  void reduce_as_asked();
  void mark_outside();
  void mark_spread();
  [[nodiscard]] Cells fold_apart(Cells cells, std::vector<double>& errors,
                                 std::vector<std::vector<double>>& drawings) const;
  void count_rows(QueryResult& result) const;
  void fill(QueryResult& result, const Cells& cells, const std::vector<double>& errors,
            const std::vector<std::vector<double>>& drawings,
            const CommittedEntries& committed) const;

  const StoreReader& store_;
  Query query_;
  StoredVariable variable_;
  QueryAxes asked_;
  Nature nature_;
  QueryAxis* spread_ = nullptr;  ///< the axis of samples, whose spread is shown
};

}  // namespace explaind
