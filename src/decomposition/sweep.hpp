#pragma once
// Evaluation of F and of every tensor's directional derivative at the nodes a plan asks for.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "decomposition/score_accumulator.hpp"
#include "quadrature/adaptive_plan.hpp"
#include "samples/batch.hpp"

namespace explaind {

/// The micro-batches of one chunk, in sample order.
struct ChunkBatches {
  std::vector<MicroBatch> batches;
  std::vector<int64_t> first;  ///< per micro-batch: its first sample within the chunk
  /// J outputs of F: asks are of sample · J + output.
  int64_t outputs = 1;
  int64_t begin = 0;  ///< the chunk's first sample, which names it
};

/// The part of a unit that one rank of a segment group computes: every size-th micro-batch.
struct Share {
  int rank = 0, size = 1;
  [[nodiscard]] int owner(size_t micro_batch) const {
    return static_cast<int>(micro_batch % static_cast<size_t>(size));
  }
};

/// Knows no quadrature rule: it evaluates asks. A schedule decides in which order blocks, nodes and
/// micro-batches are visited; the result is the same to the bit.
class Sweep {
 public:
  virtual ~Sweep() = default;
  /// Evaluates this rank's share of all asks of a round on the segment that the parameters are
  /// loaded for; fills sink's values and functionals.
  virtual void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                   ScoreAccumulator& sink) = 0;
  /// False where no weight moves on that segment: F does not change, and every score is zero.
  [[nodiscard]] virtual bool moves() const { return true; }
  /// Where it computes.
  [[nodiscard]] virtual const Device& device() const = 0;
};

/// How W(t) enters a product.
enum class ProductForm {
  formed,  ///< W(t) is formed for every node: y = x W(t)ᵀ
  split    ///< y = x aᵀ + t (x Δᵀ), the rows of all nodes of a round in one product
};

/// Nodes of a micro-batch that run together where products are split; a constant, since the rows of
/// a product decide its rounding.
inline constexpr int split_nodes = 16;

/// One micro-batch at one node, or where products are split at several, with what a schedule keeps
/// of it on the way.
struct Evaluation {
  double t = 0;
  /// Where products are split: t of every member, B, on the device. At t = 1 they are not, since in
  /// fp32 a + (b − a) ≠ b.
  at::Tensor t_of_members;
  bool value_only = false;
  int owner = 0;           ///< rank of the group
  size_t micro_batch = 0;  ///< of the chunk
  MicroBatch batch;        ///< of several nodes: one after another
  Members members;
  at::Tensor hidden;    ///< B T C: the last block's output
  at::Tensor gradient;  ///< B T C: ∂F/∂hidden, or of the block that is next in the backward pass

  /// Where the parameters must be.
  [[nodiscard]] double node() const { return t_of_members.defined() ? 0 : t; }
  /// Token ids: B T, on the host.
  [[nodiscard]] at::Tensor ids() const;
};

/// The evaluations of a round, of all ranks, ascending in t, micro-batches in order within. A
/// micro-batch runs with only the members asked for, in order, its padding unchanged (architecture
/// §3: results then do not depend on what else is open).
std::vector<Evaluation> evaluations_of(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                                       const Share& share);

/// The evaluations where products are split: a micro-batch runs with its members at up to
/// split_nodes nodes, ascending in t; t = 1 and what is only a value runs alone. Tensors are made
/// in `options`.
std::vector<Evaluation> split_evaluations_of(const ChunkBatches& chunk,
                                             const std::vector<Ask>& asks, const Share& share,
                                             const at::TensorOptions& options);

}  // namespace explaind
