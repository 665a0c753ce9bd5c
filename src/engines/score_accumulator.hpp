#pragma once
// Where engine A's contractions go: per-node values of every tensor for the quadrature's decision,
// and weighted sums at the kept granularity.
//
// Legend: S samples of the chunk, B members of a micro-batch, T its padded positions, N outputs of
// an operation, C components, P positions kept (1 if the axis is summed), A accumulators of the
// plan, W the width of an accumulator: a place of its own for every part of every use of a tensor.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "quadrature/plan.hpp"
#include "scores/component.hpp"
#include "tensors/contraction.hpp"

namespace explaind {

/// Lengths of samples that are not padded: whatever positions an operation has.
inline constexpr int64_t all_positions = std::numeric_limits<int64_t>::max();

/// One of the sequences that run together: which row of which ask, and how many of its positions
/// exist; the rest is padding and never read. Sequences of one sample share its row, in which what
/// they contribute is added up.
struct Member {
  size_t ask = 0;
  int64_t row = 0;  ///< index into the ask's samples
  int64_t length = 0;
  bool counted = true;   ///< false: it runs beside others, and nobody asks for it
  bool further = false;  ///< a sequence of the same sample stands before it
};
using Members = std::vector<Member>;

/// What one sweep over the slices of a matrix adds up before it counts: sums that several slices
/// share, per member of a micro-batch.
struct SliceSums {
  std::vector<double> whole;      ///< B
  std::vector<double> positions;  ///< B T; only where positions are kept
};

/// What a round found of one sample at one node.
struct RoundRow {
  double* functional;
  std::span<double> values;  ///< per tensor; empty where only the value was wanted
};

/// What an accumulator has room for.
struct ScoreRoom {
  int64_t samples = 0;
  int64_t positions = 0;  ///< 0 where the axis is not kept
  int accumulators = 0;
  /// false where the kept scores are sums of the tensors' integrals, which the plan has: then only
  /// tensor values are formed.
  bool keep_scores = false;
  int64_t directions = 0;  ///< parts of Δ, contracted in the same evaluations
};

/// Sums, per sample, of weight · f(t): each round from zero in ascending t, then added to what is
/// there (architecture §3), so that the result does not depend on the grid. Every use of a tensor
/// has a place of its own until the end: the sums are then the same whether nodes or blocks are
/// visited first. On a device contractions go into its stream and are added up here, in the order
/// in which they were asked for, once enough of them are there. Not thread-safe; contractions are
/// split over threads inside.
class ScoreAccumulator {
 public:
  ScoreAccumulator(const ComponentTable& table, const ScoreRoom& room,
                   const Device& device = Device::cpu());

  /// Sums of a part of Δ, contracted in the same evaluations: directions() of them, which
  /// always keep scores.
  [[nodiscard]] int64_t directions() const { return static_cast<int64_t>(directions_.size()); }
  [[nodiscard]] ScoreAccumulator& direction(int64_t index) {
    return directions_[static_cast<size_t>(index)];
  }
  [[nodiscard]] const ScoreAccumulator& direction(int64_t index) const {
    return directions_[static_cast<size_t>(index)];
  }

  void begin_round(const std::vector<Ask>& asks);
  void begin_evaluation(Members members);

  /// Adds ⟨delta, z⟩ of one operation, B T N each, N the rows (or columns, where heads are columns)
  /// of the parameter; z may also be N, the same at every position.
  void add(int64_t parameter, const at::Tensor& delta, const at::Tensor& z);
  /// Adds scores of rows [first_row, first_row + N) of a matrix that is dealt with in slices: what
  /// the slices share goes to `sums`, which must be there until add_sums.
  void add_slice(int64_t parameter, int64_t first_row, const at::Tensor& delta, const at::Tensor& z,
                 SliceSums& sums);
  /// After the last slice.
  void add_sums(int64_t parameter, const SliceSums& sums);
  /// Adds scores of an embedding: rows of the parameter are the ids. ids: B T, on the host;
  /// delta, z: B T C.
  void add_embedding(int64_t parameter, const at::Tensor& ids, const at::Tensor& delta,
                     const at::Tensor& z);
  /// Adds ⟨delta, z⟩ of a convolution, B O P each, O output channels (rows of the parameter), P
  /// pixels. Where positions are kept, it counts at the first.
  void add_channels(int64_t parameter, const at::Tensor& delta, const at::Tensor& z);
  /// Adds what a few rows of a matrix contributed, each used at one position of a member. rows: n;
  /// positions: B; values: B n (double, on the host).
  void add_entries(int64_t parameter, const std::vector<int64_t>& rows,
                   const std::vector<int64_t>& positions, const at::Tensor& values);
  /// F of each member of the running micro-batch, B; added up over the sequences of a sample.
  void set_functional(std::span<const double> values);

  void end_round();

  /// F of the round's asks, as QuadraturePlan::tell takes them.
  [[nodiscard]] const std::vector<std::vector<double>>& functionals() const { return functionals_; }
  [[nodiscard]] const std::vector<std::vector<double>>& values() const { return values_; }
  /// F of an ask's samples, from who knows it better than the sweep does.
  void set_functionals(size_t ask, std::vector<double> values) {
    functionals_[ask] = std::move(values);
  }
  /// A sample's row of the round, filled in by whoever computed it elsewhere.
  [[nodiscard]] RoundRow row(size_t ask, size_t row);
  /// P C scores of a sample in an accumulator; only with keep_scores.
  [[nodiscard]] std::vector<double> scores(int64_t sample, int accumulator) const;

 private:
  /// Where the parts of one use of a tensor lie in an accumulator.
  struct Place {
    int64_t first = 0, count = 1;
    Division division = Division::whole;
  };
  void add_place(const ParameterSlot& slot);
  /// use: 0, or the last one (a tied matrix's embedding).
  [[nodiscard]] const Place& place(int64_t parameter, bool last_use = false) const;

  /// Contractions of one operation, until they are added up.
  struct Pending {
    std::shared_ptr<const Members> members;
    int64_t parameter = 0, first_row = 0;
    Contracted sums;
    SliceSums* slices = nullptr;  ///< where the operation is one slice of several
    at::Tensor ids, by_position;  ///< of an embedding, in place of sums: B T each
  };
  void queue(Pending pending);
  /// Adds up what is pending.
  void settle();
  void fold(const Pending& pending);
  void fold_embedding(const Pending& pending);
  void contract(int64_t parameter, int64_t first_row, const at::Tensor& delta, const at::Tensor& z,
                SliceSums* slices);

  /// round[a][sample][p][first + i] += weight · parts[p][i] for every accumulator the ask feeds.
  /// parts: rows of `count`.
  void add_parts(const Member& member, int64_t first, int64_t count, int64_t positions,
                 const double* parts);
  [[nodiscard]] double& value(const Member& member, int64_t parameter);
  [[nodiscard]] bool keeps_positions() const { return positions_ > 0; }
  /// Some accumulator takes scores of this member.
  [[nodiscard]] bool fed(const Member& member) const;

  const ComponentTable& table_;
  int64_t samples_, positions_, tensors_;
  int accumulators_;
  bool keep_scores_;
  std::vector<Place> places_;       ///< parameters in order, each with all its uses
  std::vector<size_t> first_use_;   ///< per parameter: its first place
  int64_t width_ = 0, stride_ = 0;  ///< W; P W: doubles of one sample in one accumulator
  const std::vector<Ask>* asks_ = nullptr;
  std::shared_ptr<const Members> members_;
  Contraction contraction_;
  std::vector<Pending> pending_;
  int64_t pending_bytes_ = 0;
  std::vector<std::vector<double>> functionals_, values_;
  std::vector<double> sums_, round_;  ///< A S P W each, where scores are kept
  std::vector<double> parts_;         ///< scratch of one embedding
  std::vector<ScoreAccumulator> directions_;
};

}  // namespace explaind
