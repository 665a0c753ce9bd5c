#pragma once
// Evaluation of F and of every tensor's directional derivative at the nodes a plan asks for.

#include <cstdint>
#include <vector>

#include "decomposition/parameter_source.hpp"
#include "decomposition/score_accumulator.hpp"
#include "model/network.hpp"
#include "quadrature/adaptive_plan.hpp"
#include "samples/batch.hpp"

namespace explaind {

/// The micro-batches of one chunk, in sample order.
struct ChunkBatches {
  std::vector<MicroBatch> batches;
  std::vector<int64_t> first;  ///< per micro-batch: its first sample within the chunk
};

/// Knows no quadrature rule: it evaluates asks. A schedule decides in which order blocks, nodes and
/// micro-batches are visited.
///
/// In every round a micro-batch runs with only the members asked for, in order, its padding
/// unchanged (architecture §3: results then do not depend on what else is open).
class Sweep {
 public:
  virtual ~Sweep() = default;
  /// Evaluates all asks of a round on the segment that the parameters are loaded for; fills sink's
  /// values and functionals.
  virtual void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                   ScoreAccumulator& sink) = 0;
};

/// Parameters resident: per node and micro-batch one forward pass with a graph and one backward
/// pass; three matrix products per weight, no recomputation.
class NodeMajorSweep final : public Sweep {
 public:
  /// All references must outlive the sweep.
  NodeMajorSweep(const Network& network, ResidentParameters& parameters,
                 const ComponentTable& table)
      : network_(network), parameters_(parameters), table_(table) {}

  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override;

 private:
  void evaluate(const MicroBatch& batch, bool value_only, ScoreAccumulator& sink);

  const Network& network_;
  ResidentParameters& parameters_;
  const ComponentTable& table_;
};

}  // namespace explaind
