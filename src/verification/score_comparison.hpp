#pragma once
// Stored scores against scores computed again.

#include <cstdint>
#include <vector>

#include "job/problem.hpp"
#include "job/score_sink.hpp"
#include "verification/check.hpp"
#include "verification/store_shape.hpp"

namespace explaind {

/// How many of the scores that were compared lie within their certificate.
struct Trust {
  int64_t scores = 0, within = 0;
};

/// A sink that keeps nothing: each tile is compared with the store's and forgotten.
class ScoreComparison final : public ScoreSink {
 public:
  /// again: the problem that is computed. epsilon: relative rounding of the store's arithmetic. All
  /// must outlive this.
  ScoreComparison(const StoreReader& store, const StoreShape& shape, const Problem& again,
                  double epsilon);

  void write(const ScoreTile& tile) override;
  void write_dense(const Unit& /*unit*/, const DenseSlice& /*slice*/) override {}

  [[nodiscard]] const Trust& trust() const { return trust_; }
  [[nodiscard]] const Check& scores() const { return scores_; }
  [[nodiscard]] const Check& values() const { return values_; }

 private:
  void compare_values(const ScoreTile& tile);
  void compare_scores(const ScoreTile& tile);
  /// Per row and output: what the certificates of its samples allow a tensor's score.
  [[nodiscard]] std::vector<double> certified(const ScoreTile& tile) const;

  const StoreReader& store_;
  const StoreShape& shape_;
  const Problem& again_;
  double epsilon_;
  std::vector<double> joined_;  ///< tensors that a component joins
  Trust trust_;
  Check scores_, values_;
};

}  // namespace explaind
