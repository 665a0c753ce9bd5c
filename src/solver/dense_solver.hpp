#pragma once
// Scores of every scalar of the model for one unit (engine B), at the nodes that engine A has
// fixed.
//
// Legend: S samples of the unit, R rows of its sample-like axis (samples, groups, or 1), J outputs
// of F, W numbers of a row: J, or 2 J where decay is told apart.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "comm/communicator.hpp"
#include "path/trajectory.hpp"
#include "quadrature/node_record.hpp"
#include "scores/dense_slice.hpp"
#include "solver/unit_solver.hpp"
#include "sweeps/dense_pass.hpp"

namespace explaind {

/// What weight decay did to a parameter on a piece of the path, in the parameter's unit: fp64, of
/// its shape, undefined where it did nothing.
using DecayUpdate = std::function<at::Tensor(int64_t piece, ParameterId parameter)>;

/// How much is held at once; changes no bit.
struct DenseRows {
  int64_t at_once = 1;  ///< rows of the unit of which sums are kept: 16 bytes a scalar and output
                        ///< each, twice that where decay is told apart
};

/// What scalars are computed of, and with. All must outlive the solver.
struct DenseSubject {
  const Model& model;
  const std::vector<Sample>& samples;
  const Groups& groups;
  const SolverOptions& options;
  ParameterSource& parameters;  ///< resident, the whole model; what `pass` computes with
  DensePass& pass;
};

/// Ψ_i = Δ_i Σ_q w_q ∂_iF(θ(t_q)) (method.md §2, §4), in F's unit. Sums are fp64, formed per
/// micro-batch in ascending t, and micro-batches are added in order, so that neither the ranks of
/// the group nor memory show in the bits.
class DenseSolver {
 public:
  using Keep = std::function<void(const DenseSlice&)>;

  /// decay: where the balance of data and decay is wanted, else empty. group: ranks that share a
  /// unit; null where this one is alone.
  DenseSolver(const DenseSubject& subject, DenseRows rows, DecayUpdate decay = {},
              const Communicator* group = nullptr);

  /// Computes the scalars of tile.unit, hands them to `keep` in parts, each on one rank, and sets
  /// tile.psi_abs, and with decay tile.balance, of the rows that tile holds. nodes: per piece and
  /// sample. Where `sample` is kept a rank has the rows of its own micro-batches, else some rows of
  /// every tensor. @collective over the group
  void solve(const PieceRange& pieces, const std::vector<SampleNodes>& nodes, ScoreTile& tile,
             const Keep& keep) const;

 private:
  /// One tensor per parameter (fp64), undefined where nothing was added.
  using Sums = std::vector<at::Tensor>;
  struct Batch {
    MicroBatch samples;
    int64_t first = 0;  ///< sample of the unit
  };
  /// Members of a micro-batch that are added to one row.
  using Members = std::vector<int64_t>;
  /// Scores of several rows, each with Ψ of all outputs and, where decay is told apart, ψ^reg of
  /// all: R W, W fastest.
  using RowSums = std::vector<Sums>;

  [[nodiscard]] std::vector<Batch> batches_of(const Unit& unit) const;
  /// Scores of the piece that is loaded, a micro-batch's part of some rows.
  [[nodiscard]] RowSums contributions(int64_t piece, const Batch& batch,
                                      const std::vector<Members>& rows,
                                      const SampleNodes& nodes) const;
  /// Gradients G of one row, J, become its scores: Δ ⊙ G, and decay ⊙ G.
  void multiply_updates(int64_t piece, std::span<Sums> sums) const;
  /// sums: J.
  void add_gradients(const Batch& batch, const Members& members, const SampleNodes& nodes, double t,
                     std::span<Sums> sums) const;
  void solve_samples(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                     ScoreTile& tile, const Keep& keep) const;
  void solve_sums(const PieceRange& pieces, const std::vector<SampleNodes>& nodes, ScoreTile& tile,
                  const Keep& keep) const;
  /// Adds all micro-batches' parts of these rows. @collective over the group
  void add_batches(int64_t piece, const std::vector<Batch>& batches, const Unit& unit,
                   const RowRange& range, const SampleNodes& nodes, RowSums& parts) const;
  /// Adds every rank's contribution to this rank's part of the row, in the ranks' order: of
  /// consecutive micro-batches. Undefined tensors add nothing. @collective over the group
  void add_in_order(const Sums& mine, Sums& part) const;
  /// Rows of a parameter that a rank of the group has where `sample` is summed.
  [[nodiscard]] ParameterRows part_of(ParameterId parameter, int rank) const;
  /// Hands out the scores of one row (W) and appends, for every row of every tensor, Σ|·| and the
  /// balance of all outputs (W).
  void keep_row(int64_t row, std::span<const Sums> scores, bool parts, const Keep& keep,
                std::vector<double>& sizes) const;
  /// Adds to the tile what the rows of a tensor are in all: rows W.
  void append_totals(std::span<const double> rows, ScoreTile& tile) const;
  /// Appends where every rank has some rows of every tensor. @collective over the group
  void append_of_all_ranks(const std::vector<double>& sizes, ScoreTile& tile) const;
  [[nodiscard]] RowSums empty_rows(size_t rows) const {
    return {rows * width(), Sums(model_.parameters().size())};
  }
  [[nodiscard]] size_t outputs() const { return static_cast<size_t>(options_.outputs); }  ///< J
  [[nodiscard]] size_t width() const { return decay_ ? 2 * outputs() : outputs(); }       ///< W
  [[nodiscard]] int ranks() const { return group_ == nullptr ? 1 : group_->size(); }
  [[nodiscard]] int rank() const { return group_ == nullptr ? 0 : group_->rank(); }

  const Model& model_;
  const std::vector<Sample>& samples_;
  const Groups& groups_;
  SolverOptions options_;
  ParameterSource& parameters_;
  DensePass& pass_;
  DenseRows rows_;
  DecayUpdate decay_;
  const Communicator* group_;
  std::vector<ParameterRows> whole_;
  std::vector<int64_t> group_sizes_;
};

}  // namespace explaind
