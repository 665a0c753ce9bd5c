#pragma once
// Blocks outermost: for parameters that are fetched block by block.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engines/output_head.hpp"
#include "parameters/parameter_source.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

struct BlockMajorOptions {
  /// Activations that may be kept at once. A round that needs more is run in several waves of
  /// evaluations, each of which opens every block again; scores do not depend on it. It must be the
  /// same on all ranks that open parameters together: they run the same waves, each its share.
  int64_t activation_bytes = 0;
  Share share = {};
  ProductForm form = ProductForm::formed;
  Functional functional = Functional::loss();
};

/// Forward, then backward over the chain of blocks; inside a block all nodes of the round and all
/// micro-batches. A block is opened once a direction and round, each evaluation keeps one
/// activation a boundary, and the backward direction forms the block's forward pass anew with a
/// graph: four products per weight.
class BlockMajorSweep final : public Sweep {
 public:
  /// All references must outlive the sweep.
  BlockMajorSweep(const Network& network, ParameterSource& parameters, const ComponentTable& table,
                  const BlockMajorOptions& options)
      : network_(network),
        parameters_(parameters),
        table_(table),
        head_(make_head(network, parameters, options.functional)),
        depth_(depth_of(network, options.functional)),
        activation_bytes_(options.activation_bytes),
        share_(options.share),
        form_(options.form) {}

  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override;
  [[nodiscard]] bool moves() const override { return parameters_.moves(); }
  [[nodiscard]] const Device& device() const override { return parameters_.device(); }

  /// Bytes of one kept activation at every boundary: blocks × B T C.
  static int64_t kept_bytes(const Network& network, int64_t tokens, int64_t columns, int64_t size) {
    return network.blocks() * tokens * columns * size;
  }

 private:
  using Activations = std::vector<std::vector<at::Tensor>>;  ///< evaluation, block: its input

  /// wave: this rank's; gradients: whether any rank's wants them.
  void run_wave(std::span<Evaluation> wave, bool gradients, ScoreAccumulator& sink);
  [[nodiscard]] Activations forward(std::span<Evaluation> wave);
  void backward(std::span<Evaluation> wave, Activations& inputs, ScoreAccumulator& sink);
  /// Opens a block, and asks for the one that comes next.
  void open(int64_t block, int64_t next);
  /// After the last block comes the head, before the first one nothing.
  [[nodiscard]] std::vector<ParameterRows> parts(int64_t block) const;
  [[nodiscard]] int64_t width() const;

  const Network& network_;
  ParameterSource& parameters_;
  const ComponentTable& table_;
  std::unique_ptr<OutputHead> head_;
  int64_t depth_;  ///< blocks that the functional depends on
  int64_t activation_bytes_;
  Share share_;
  ProductForm form_;
};

}  // namespace explaind
