#include "sweeps/end_values.hpp"

#include <algorithm>
#include <numeric>

namespace explaind {
namespace {

bool is_end(const Ask& ask) { return ask.t == 0 || ask.t == 1; }

int64_t pairs_of(const ChunkBatches& chunk) {
  int64_t samples = 0;
  for (const MicroBatch& batch : chunk.batches) samples += batch.samples();
  return samples * chunk.outputs;
}

}  // namespace

void EndValues::run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                    ScoreAccumulator& sink) {
  find(chunk, asks);
  asks_ = asks;
  bool gradients = false;
  for (Ask& ask : asks_) {
    if (is_end(ask) && ask.value_only) {
      ask.samples.clear();
    } else {
      gradients = true;
    }
  }
  if (gradients) {
    scores_->run(chunk, asks_, sink);
  } else {
    sink.begin_round(asks_);
    sink.end_round();
  }
  for (size_t i = 0; i < asks.size(); ++i) {
    if (!is_end(asks[i])) continue;
    const std::vector<double>& known = known_.at(place(asks[i].t == 1, chunk));
    std::vector<double> values;
    for (const int64_t pair : asks[i].samples) values.push_back(known[static_cast<size_t>(pair)]);
    sink.set_functionals(i, std::move(values));
  }
}

void EndValues::find(const ChunkBatches& chunk, const std::vector<Ask>& asks) {
  std::vector<Ask> wanted;
  for (const bool to : {false, true}) {
    const bool asked = std::any_of(asks.begin(), asks.end(),
                                   [&](const Ask& ask) { return ask.t == (to ? 1 : 0); });
    if (!asked || known_.contains(place(to, chunk))) continue;
    Ask& ask = wanted.emplace_back(Ask{
        .t = to ? 1.0 : 0.0, .samples = {}, .value_only = true, .accumulators = 0, .weights = {}});
    ask.samples.resize(static_cast<size_t>(pairs_of(chunk)));
    std::iota(ask.samples.begin(), ask.samples.end(), int64_t{0});
  }
  if (wanted.empty()) return;
  const int64_t segment = parameters_.segment(), from = trajectory_.point(segment, false),
                to = trajectory_.point(segment, true);
  std::erase_if(
      known_, [&](const auto& each) { return each.first.first != from && each.first.first != to; });
  ScoreAccumulator sink(table_, {.samples = pairs_of(chunk)}, values_->device());
  at_ends_->load(segment);
  values_->run(chunk, wanted, sink);
  for (size_t i = 0; i < wanted.size(); ++i) {
    known_[place(wanted[i].t == 1, chunk)] = sink.functionals()[i];
  }
}

}  // namespace explaind
