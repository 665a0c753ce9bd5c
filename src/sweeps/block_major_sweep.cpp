#include "sweeps/block_major_sweep.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <utility>

#include "engines/attributed_ops.hpp"

namespace explaind {

int64_t BlockMajorSweep::width() const {
  return network_.parameters()[static_cast<size_t>(network_.unembedding())].shape.at(1);
}

void BlockMajorSweep::run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                          ScoreAccumulator& sink) {
  const at::TensorOptions options = parameters_.device().options(parameters_.precision().type);
  std::vector<Evaluation> all = form_ == ProductForm::split
                                    ? split_evaluations_of(chunk, asks, share_, options)
                                    : evaluations_of(chunk, asks, share_);
  const auto size = static_cast<int64_t>(at::elementSize(parameters_.precision().type));
  sink.begin_round(asks);
  for (size_t next = 0; next < all.size();) {
    std::vector<Evaluation> wave;                                     // mine
    std::vector<int64_t> bytes(static_cast<size_t>(share_.size), 0);  // per rank
    bool gradients = false;
    for (; next < all.size(); ++next) {
      Evaluation& each = all[next];
      int64_t& kept = bytes[static_cast<size_t>(each.owner)];
      const auto tokens = static_cast<int64_t>(each.batch.input_ids.size());
      const bool first = kept == 0;
      kept +=
          each.value_only ? tokens * width() * size : kept_bytes(network_, tokens, width(), size);
      if (!first && kept > activation_bytes_) break;
      gradients = gradients || !each.value_only;
      if (each.owner == share_.rank) wave.push_back(std::move(each));
    }
    run_wave(wave, gradients, sink);
  }
  sink.end_round();
}

void BlockMajorSweep::run_wave(std::span<Evaluation> wave, bool gradients, ScoreAccumulator& sink) {
  Activations inputs = forward(wave);
  head_->run(wave, gradients, sink, gradients ? parts(depth_ - 1) : std::vector<ParameterRows>{});
  if (gradients) backward(wave, inputs, sink);
}

std::vector<ParameterRows> BlockMajorSweep::parts(int64_t block) const {
  if (block < 0) return {};
  return block < depth_ ? whole(network_, network_.block_parameters(block)) : head_->first();
}

void BlockMajorSweep::open(int64_t block, int64_t next) {
  parameters_.open(parts(block), parts(next));
}

BlockMajorSweep::Activations BlockMajorSweep::forward(std::span<Evaluation> wave) {
  const c10::NoGradGuard no_graph;
  Activations inputs(wave.size());
  for (int64_t block = 0; block < depth_; ++block) {
    open(block, block + 1);
    for (size_t i = 0; i < wave.size(); ++i) {
      Evaluation& each = wave[i];
      parameters_.set_node(each.node());
      SourceOps ops(parameters_, each.t_of_members);
      at::Tensor input = block == 0 ? each.ids() : std::move(each.hidden);
      each.hidden = network_.block(block, input, ops);
      if (!each.value_only) inputs[i].push_back(std::move(input));
    }
  }
  return inputs;
}

void BlockMajorSweep::backward(std::span<Evaluation> wave, Activations& inputs,
                               ScoreAccumulator& sink) {
  for (int64_t block = depth_ - 1; block >= 0; --block) {
    open(block, block - 1);
    for (size_t i = 0; i < wave.size(); ++i) {
      Evaluation& each = wave[i];
      if (each.value_only) continue;
      parameters_.set_node(each.node());
      AttributedOps ops(parameters_, table_, sink, each.t_of_members);
      sink.begin_evaluation(each.members);
      at::Tensor input = std::move(inputs[i].back());
      inputs[i].pop_back();
      if (block > 0) input.requires_grad_(true);  // token ids have no gradient
      network_.block(block, input, ops).backward(std::exchange(each.gradient, {}));
      if (block > 0) each.gradient = input.grad();
    }
  }
}

}  // namespace explaind
