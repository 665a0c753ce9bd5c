#include "sweeps/node_major_sweep.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "engines/attributed_ops.hpp"

namespace explaind {

void NodeMajorSweep::run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                         ScoreAccumulator& sink) {
  std::vector<ParameterId> blocks;
  for (int64_t index = 0; index < depth_; ++index) {
    const std::vector<ParameterId> used = network_.block_parameters(index);
    blocks.insert(blocks.end(), used.begin(), used.end());
  }
  sink.begin_round(asks);
  for (Evaluation& each : evaluations_of(chunk, asks, share_)) {
    if (each.owner != share_.rank) continue;
    parameters_.open(whole(network_, blocks), {});
    parameters_.set_node(each.t);
    sink.begin_evaluation(each.members);
    if (each.value_only) {
      const c10::NoGradGuard no_graph;
      SourceOps ops(parameters_);
      each.hidden = hidden(each, ops);
      head_->run({&each, 1}, false, sink);
      continue;
    }
    AttributedOps ops(parameters_, table_, sink);
    const at::Tensor end = hidden(each, ops);
    each.hidden = end.detach();
    head_->run({&each, 1}, true, sink);
    sink.begin_evaluation(each.members);
    end.backward(each.gradient);
  }
  sink.end_round();
}

at::Tensor NodeMajorSweep::hidden(const Evaluation& evaluation, Ops& ops) const {
  at::Tensor activation = evaluation.ids();
  for (int64_t index = 0; index < depth_; ++index) {
    activation = network_.block(index, activation, ops);
  }
  return activation;
}

}  // namespace explaind
