#pragma once
// Which entries of a variable are there, and how many of them share a row.

#include <cstdint>
#include <vector>

#include "store/query_axes.hpp"

namespace explaind {

/// G segments × S samples (1 where the variable has no such axis) of which some are committed and
/// chosen.
class CommittedEntries {
 public:
  CommittedEntries(const StoreReader& store, const StoredVariable& variable,
                   const std::vector<QueryAxis>& axes);

  /// Everything that is chosen is there.
  [[nodiscard]] bool complete() const { return complete_; }
  /// index: an entry along every axis of the variable.
  [[nodiscard]] bool at(const std::vector<int64_t>& index) const {
    return complete_ || there_[place(index)];
  }
  /// What an entry counts in the means over samples and segments that are taken while walking: one
  /// over the number of samples that are there in its segment, and of such segments. 1 where
  /// everything is there: then row_divisor does it at the end.
  [[nodiscard]] double weight(const std::vector<int64_t>& index) const {
    return weights_.empty() ? 1.0 : weights_[place(index)];
  }
  /// Entries of axis `a` in a row, of which at least one is there. row: the key of every axis.
  [[nodiscard]] int64_t count(size_t a, const std::vector<size_t>& row) const;
  /// Whether a row has any entry that is there.
  [[nodiscard]] bool any(const std::vector<size_t>& row) const;

 private:
  [[nodiscard]] size_t place(const std::vector<int64_t>& index) const;
  void weigh(const std::vector<QueryAxis>& axes);
  void count_groups(const std::vector<QueryAxis>& axes);
  [[nodiscard]] bool there(size_t segment, size_t sample) const {
    return there_[segment * samples_ + sample];
  }

  size_t segment_axis_, sample_axis_;  ///< of the variable; its number of axes where it has none
  size_t segments_ = 1, samples_ = 1;
  std::vector<bool> there_;  ///< G S
  std::vector<double> weights_;
  bool complete_ = true;
  std::vector<std::vector<int64_t>> chosen_;  ///< per axis and key: entries chosen
  /// Per key of segments and of samples: segments, and samples, with anything there.
  std::vector<std::vector<int64_t>> segments_there_, samples_there_;
};

}  // namespace explaind
