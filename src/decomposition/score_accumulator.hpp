#pragma once
// Where engine A's contractions go: per-node values of every tensor for the quadrature's decision,
// and weighted sums at the kept granularity.
//
// Legend: S samples of the chunk, B members of a micro-batch, T its padded positions, N outputs of
// an operation, C components, P positions kept (1 if the axis is summed), A accumulators of the
// plan.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "quadrature/adaptive_plan.hpp"
#include "scores/component.hpp"

namespace explaind {

/// Which rows of an ask the members of the running micro-batch are, and how long each is.
struct Members {
  size_t ask = 0;
  std::vector<int64_t> rows;     ///< B: index into the ask's samples
  std::vector<int64_t> lengths;  ///< B: positions that exist; the rest is padding and never read
};

/// Sums, per sample, of weight · f(t): each round from zero in ascending t, then added to what is
/// there (architecture §3), so that the result does not depend on the grid. Not thread-safe;
/// contractions are split over threads inside.
class ScoreAccumulator {
 public:
  /// positions: 0 where the axis is not kept. keep_scores: false where the kept scores are sums of
  /// the tensors' integrals, which the plan has; then only tensor values are formed.
  ScoreAccumulator(const ComponentTable& table, int64_t samples, int64_t positions,
                   int accumulators, bool keep_scores);

  void begin_round(const std::vector<Ask>& asks);
  void begin_evaluation(Members members);

  /// Adds ⟨delta, z⟩ of one operation, B T N each, N the rows (or columns, where heads are columns)
  /// of the parameter; z may also be N, the same at every position.
  void add(int64_t parameter, const at::Tensor& delta, const at::Tensor& z);
  /// The same for an embedding: rows of the parameter are the ids. ids: B T; delta, z: B T C.
  void add_embedding(int64_t parameter, const at::Tensor& ids, const at::Tensor& delta,
                     const at::Tensor& z);
  /// F of each member of the running micro-batch.
  void set_functional(std::span<const double> values);

  void end_round();

  /// Of the round, as AdaptivePlan::tell takes them.
  [[nodiscard]] const std::vector<std::vector<double>>& functionals() const { return functionals_; }
  [[nodiscard]] const std::vector<std::vector<double>>& values() const { return values_; }
  /// P C scores of a sample in an accumulator; only with keep_scores.
  [[nodiscard]] std::span<const double> scores(int64_t sample, int accumulator) const;

 private:
  template <typename Real>
  void add_of(int64_t parameter, const at::Tensor& delta, const at::Tensor& z);
  template <typename Real>
  void add_positions_of(const ParameterSlot& slot, int64_t member, const at::Tensor& delta,
                        const at::Tensor& z);
  /// round[a][sample][p][first + i] += weight · parts[p][i] for every accumulator the ask feeds.
  /// parts: rows of `count`.
  void add_parts(int64_t member, int64_t first, int64_t count, int64_t positions,
                 const double* parts);
  [[nodiscard]] double& value(int64_t member, int64_t parameter);
  [[nodiscard]] bool keeps_positions() const { return positions_ > 0; }
  [[nodiscard]] bool fed(int64_t member) const;

  const ComponentTable& table_;
  int64_t samples_, positions_, tensors_;
  int accumulators_;
  bool keep_scores_;
  int64_t stride_;  ///< P C: doubles of one sample in one accumulator
  const std::vector<Ask>* asks_ = nullptr;
  Members members_;
  std::vector<std::vector<double>> functionals_, values_;
  std::vector<double> sums_, round_;  ///< A S P C each, where scores are kept
  std::vector<double> parts_;         ///< scratch of one contraction
};

}  // namespace explaind
