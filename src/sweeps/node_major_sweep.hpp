#pragma once
// Nodes outermost: for parameters in memory.

#include <cstdint>
#include <memory>

#include "engines/output_head.hpp"
#include "parameters/parameter_source.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// Per node and micro-batch one forward pass with a graph and one backward pass: three matrix
/// products per weight (four in an unembedding of several slices), no recomputation. The whole
/// model is open at once.
class NodeMajorSweep final : public Sweep {
 public:
  /// All references must outlive the sweep.
  NodeMajorSweep(const Network& network, ParameterSource& parameters, const ComponentTable& table,
                 Share share = {}, const Functional& functional = Functional::loss())
      : network_(network),
        parameters_(parameters),
        table_(table),
        head_(make_head(network, parameters, functional)),
        depth_(depth_of(network, functional)),
        share_(share) {}

  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override;
  [[nodiscard]] bool moves() const override { return parameters_.moves(); }
  [[nodiscard]] const Device& device() const override { return parameters_.device(); }

 private:
  at::Tensor hidden(const Evaluation& evaluation, Ops& ops) const;

  const Network& network_;
  ParameterSource& parameters_;
  const ComponentTable& table_;
  std::unique_ptr<OutputHead> head_;
  int64_t depth_;  ///< blocks that the functional depends on
  Share share_;
};

}  // namespace explaind
