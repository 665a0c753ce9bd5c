#include "decomposition/sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace explaind {

at::Tensor Evaluation::ids() const {
  return at::tensor(batch.input_ids, at::kLong).view({batch.size(), batch.positions});
}

std::vector<Evaluation> evaluations_of(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                                       const Share& share) {
  std::vector<Evaluation> evaluations;
  for (size_t i = 0; i < asks.size(); ++i) {
    const Ask& ask = asks[i];
    for (size_t m = 0; m < chunk.batches.size(); ++m) {
      const int64_t first = chunk.first[m], last = first + chunk.batches[m].size();
      const auto begin = std::lower_bound(ask.samples.begin(), ask.samples.end(), first);
      const auto end = std::lower_bound(begin, ask.samples.end(), last);
      if (begin == end) continue;
      std::vector<int64_t> wanted;  // members of the micro-batch
      Evaluation evaluation;
      evaluation.t = ask.t;
      evaluation.value_only = ask.value_only;
      evaluation.owner = share.owner(m);
      evaluation.members.ask = i;
      for (auto sample = begin; sample != end; ++sample) {
        wanted.push_back(*sample - first);
        evaluation.members.rows.push_back(sample - ask.samples.begin());
      }
      evaluation.batch = chunk.batches[m].subset(wanted);
      evaluation.members.lengths = evaluation.batch.lengths;
      evaluations.push_back(std::move(evaluation));
    }
  }
  return evaluations;
}

}  // namespace explaind
