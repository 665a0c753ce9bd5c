#pragma once
// Stored scores against scores computed again.

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "job/problem.hpp"
#include "job/score_sink.hpp"
#include "verification/check.hpp"
#include "verification/store_shape.hpp"

namespace explaind {

/// How many of the scores that were compared lie within their certificate.
struct Trust {
  int64_t scores = 0, within = 0;
};

/// What comparing some units has shown.
struct Compared {
  Trust trust;
  Check scores, values;

  /// Those of units that come after these.
  void join(const Compared& later);
};

/// A sink that keeps nothing: each tile is compared with the store's and forgotten. What was found
/// is kept by units, so that it is the same whoever computed them, and in whatever order.
class ScoreComparison final : public ScoreSink {
 public:
  /// again: the problem that is computed. epsilon: relative rounding of the store's arithmetic. All
  /// must outlive this.
  ScoreComparison(const StoreReader& store, const StoreShape& shape, const Problem& again,
                  double epsilon);

  void write(const ScoreTile& tile) override;
  void write_dense(const Unit& /*unit*/, const DenseSlice& /*slice*/) override {}

  /// Of the units of all ranks, in the order of segments and samples; the same on every rank.
  /// @collective over world
  [[nodiscard]] Compared of_all(const Communicator& world) const;

 private:
  void compare_values(const ScoreTile& tile, Compared& found);
  void compare_scores(const ScoreTile& tile, Compared& found);
  /// Per row and output: what the certificates of its samples allow a tensor's score.
  [[nodiscard]] std::vector<double> certified(const ScoreTile& tile) const;

  const StoreReader& store_;
  const StoreShape& shape_;
  const Problem& again_;
  double epsilon_;
  std::vector<double> joined_;                             ///< tensors that a component joins
  Compared nothing_;                                       ///< the words of the checks
  std::map<std::pair<int64_t, int64_t>, Compared> units_;  ///< by segment and first sample
};

}  // namespace explaind
