#pragma once
// Nodes outermost: for parameters in memory.

#include "decomposition/parameter_source.hpp"
#include "decomposition/sweep.hpp"
#include "decomposition/vocabulary_head.hpp"

namespace explaind {

/// Per node and micro-batch one forward pass with a graph and one backward pass: three matrix
/// products per weight (four in an unembedding of several slices), no recomputation. The whole
/// model is open at once.
class NodeMajorSweep final : public Sweep {
 public:
  /// All references must outlive the sweep.
  NodeMajorSweep(const Network& network, ParameterSource& parameters, const ComponentTable& table,
                 Share share = {})
      : network_(network),
        parameters_(parameters),
        table_(table),
        head_(network, parameters),
        share_(share) {}

  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override;
  [[nodiscard]] const Device& device() const override { return parameters_.device(); }

 private:
  at::Tensor hidden(const Evaluation& evaluation, Ops& ops) const;

  const Network& network_;
  ParameterSource& parameters_;
  const ComponentTable& table_;
  VocabularyHead head_;
  Share share_;
};

}  // namespace explaind
