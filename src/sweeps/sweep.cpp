#include "sweeps/sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace explaind {

std::vector<Evaluation> evaluations_of(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                                       const Share& share) {
  std::vector<Evaluation> evaluations;
  for (size_t i = 0; i < asks.size(); ++i) {
    const Ask& ask = asks[i];
    for (size_t m = 0; m < chunk.batches.size(); ++m) {
      const int64_t first = chunk.first[m], last = first + chunk.batches[m].samples();
      const auto begin = std::lower_bound(ask.samples.begin(), ask.samples.end(), first);
      const auto end = std::lower_bound(begin, ask.samples.end(), last);
      if (begin == end) continue;
      const int64_t sequences = chunk.batches[m].of_sample;
      std::vector<int64_t> wanted;  // samples of the micro-batch
      Evaluation evaluation;
      evaluation.t = ask.t;
      evaluation.value_only = ask.value_only;
      evaluation.owner = share.owner(m);
      evaluation.micro_batch = m;
      for (auto sample = begin; sample != end; ++sample) {
        wanted.push_back(*sample - first);
        for (int64_t s = 0; s < sequences; ++s) {
          evaluation.members.push_back(
              {.ask = i, .row = sample - ask.samples.begin(), .further = s > 0});
        }
      }
      evaluation.batch = chunk.batches[m].subset(wanted);
      for (size_t b = 0; b < evaluation.members.size(); ++b) {
        evaluation.members[b].length = evaluation.batch.lengths[b];
      }
      evaluations.push_back(std::move(evaluation));
    }
  }
  return evaluations;
}

std::vector<Evaluation> split_evaluations_of(const ChunkBatches& chunk,
                                             const std::vector<Ask>& asks, const Share& share,
                                             const at::TensorOptions& options) {
  std::vector<Evaluation> joined, alone;
  std::vector<std::vector<double>> nodes;            // per joined evaluation: t of every member
  std::map<size_t, std::pair<size_t, int>> running;  // by micro-batch: its evaluation, nodes so far
  for (Evaluation& each : evaluations_of(chunk, asks, share)) {
    if (each.value_only || each.t == 1) {
      alone.push_back(std::move(each));
      continue;
    }
    const auto [at, added] = running.try_emplace(each.micro_batch, joined.size(), 0);
    auto& [place, count] = at->second;
    if (!added && count == split_nodes) {
      place = joined.size();
      count = 0;
    }
    ++count;
    if (place == joined.size()) {
      nodes.emplace_back(each.members.size(), each.t);
      joined.push_back(std::move(each));
      continue;
    }
    Evaluation& into = joined[place];
    into.batch.append(each.batch);
    into.members.insert(into.members.end(), each.members.begin(), each.members.end());
    nodes[place].insert(nodes[place].end(), each.members.size(), each.t);
  }
  for (size_t i = 0; i < joined.size(); ++i) {
    joined[i].t_of_members = at::tensor(nodes[i], at::kDouble).to(options);
  }
  std::move(alone.begin(), alone.end(), std::back_inserter(joined));
  return joined;
}

}  // namespace explaind
