#include "decomposition/sweep.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "decomposition/attributed_ops.hpp"
#include "decomposition/functional.hpp"
#include "model/plain_ops.hpp"

namespace explaind {
namespace {

at::Tensor ids_of(const MicroBatch& batch) {
  return at::tensor(batch.input_ids, at::kLong).view({batch.size(), batch.positions});
}

}  // namespace

void NodeMajorSweep::run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                         ScoreAccumulator& sink) {
  sink.begin_round(asks);
  for (size_t i = 0; i < asks.size(); ++i) {
    const Ask& ask = asks[i];
    parameters_.set_node(ask.t);
    for (size_t m = 0; m < chunk.batches.size(); ++m) {
      const int64_t first = chunk.first[m], last = first + chunk.batches[m].size();
      const auto begin = std::lower_bound(ask.samples.begin(), ask.samples.end(), first);
      const auto end = std::lower_bound(begin, ask.samples.end(), last);
      if (begin == end) continue;
      std::vector<int64_t> wanted;  // members of the micro-batch
      Members members{.ask = i, .rows = {}, .lengths = {}};
      for (auto sample = begin; sample != end; ++sample) {
        wanted.push_back(*sample - first);
        members.rows.push_back(sample - ask.samples.begin());
      }
      const MicroBatch batch = chunk.batches[m].subset(wanted);
      members.lengths = batch.lengths;
      sink.begin_evaluation(std::move(members));
      evaluate(batch, ask.value_only, sink);
    }
  }
  sink.end_round();
}

void NodeMajorSweep::evaluate(const MicroBatch& batch, bool value_only, ScoreAccumulator& sink) {
  if (value_only) {
    const c10::NoGradGuard no_graph;
    PlainOps ops(parameters_.weights());
    sink.set_functional(losses(batch, forward(network_, ids_of(batch), ops)));
    return;
  }
  AttributedOps ops(parameters_.weights(), parameters_.deltas(), table_, sink);
  const at::Tensor logits = forward(network_, ids_of(batch), ops);
  // No node of the graph saved the logits (they are a product's result), so they may become their
  // own gradient.
  at::Tensor gradient = logits.detach();
  sink.set_functional(losses_and_gradient(batch, gradient));
  logits.backward(gradient);
}

}  // namespace explaind
