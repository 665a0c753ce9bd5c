#pragma once
// Evaluation of F and of every tensor's directional derivative at the nodes a plan asks for.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "engines/evaluation.hpp"
#include "quadrature/plan.hpp"
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
