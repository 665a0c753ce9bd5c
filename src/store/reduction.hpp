#pragma once
// What becomes of entries that share a row of a query: a sum where they are parts of a whole, a
// mean where they are samples, nothing where neither means anything; and how a result says so.

#include <cstdint>
#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace explaind {

enum class Reduction { sum, mean, largest };

/// What the numbers of a variable are.
enum class Nature {
  part,        ///< of a whole: scores, residuals, seconds
  value,       ///< of F at a step
  estimate,    ///< of an error: the largest counts
  count,       ///< counts and flags: what becomes of them has to be said
  cumulative,  ///< holds those before it already
  label        ///< coordinates, checksums
};
Nature nature_of(const StoreReader& store, const StoredVariable& variable);
/// Why numbers of this nature are not added, or not without being asked to.
std::string reason_not_added(Nature nature, const std::string& variable);
/// "negative: lowered F" of scores; empty where a sign means nothing.
std::string sign_of(const StoreReader& store, const std::string& variable);

/// How a store's scores came from those of its samples, before they were stored.
struct StoredSamples {
  enum class As { single, group_means, group_sums, sum_of_all };
  As as = As::single;
  std::vector<int64_t> group_sizes;  ///< samples of each entry of the axis `group`, where there is
  int64_t samples = 0;               ///< of the store
};
StoredSamples stored_samples(const StoreReader& store, const StoredVariable& variable);

/// A variable's entries along an axis, where several share a row.
struct AxisUse {
  std::string axis, coordinate;  ///< the axis, and what names its entries
  size_t entries = 0;            ///< that share a row, the most of them
  bool asked_sum = false, asked_mean = false;
};

/// What each axis' entries become: as asked, else samples and means of groups are averaged, scores
/// of segments, components, positions, training samples, outputs and a tensor's scalars added, and
/// of quadrature_error the largest is taken. Throws UsageError naming the axes, and the way out,
/// where entries would share a row that can neither be added nor averaged, or have to be asked for.
std::vector<Reduction> reductions(const StoreReader& store, const StoredVariable& variable,
                                  const std::vector<AxisUse>& uses);

/// What a row is made of, in words and for programs.
struct Statement {
  struct Axis {
    std::string name;
    Reduction how = Reduction::sum;
    bool outside = false;         ///< of |·|, or of the largest
    int64_t least = 0, most = 0;  ///< entries in a row
    int64_t in_all = 0;           ///< the most there would be if all were committed
    std::string weights;          ///< of a mean, in words where there is something to say
    std::string weighted_by;      ///< "samples"; empty: all the same
  };
  std::vector<Axis> axes;
  bool absolute = false;
  std::string stored;  ///< what was done before the scores were stored, in words; may be empty
  std::string shared;  ///< how key-value heads were shared, in words; may be empty
  std::vector<std::string> then;  ///< what was done with the rows, in order, in words

  /// "mean of 4 samples, sum of 12 segments"; empty where every entry has its own row.
  [[nodiscard]] std::string words() const;
};

/// "mean_of_samples", "inside_sum_of_components": an axis of a statement as the name of a column.
std::string column_of(const Statement& statement, const Statement::Axis& axis);

}  // namespace explaind
