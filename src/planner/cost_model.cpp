#include "planner/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "engines/vocabulary_head.hpp"
#include "planner/model_size.hpp"
#include "samples/batch.hpp"

namespace explaind {
namespace {

/// Time of a forward pass in fp64, beside one in fp32; measured: tests/benchmarks/results.
constexpr double double_precision_cost = 2;

/// Everything in the model that is multiplied with activations, and the tokens it sees.
struct Work {
  double blocks = 0, unembedding = 0, all = 0;  ///< elements
  double stored = 0;                            ///< bytes of an element
  double head_passes = 1;                       ///< over the unembedding, in a round
  double tokens = 0;   ///< of a chunk, padded, of the rank with most micro-batches
  double batches = 0;  ///< micro-batches of that rank and chunk
  double chunks = 1;   ///< of a segment
};

Work work_of(const MemoryDemand& demand) {
  Work work;
  const Network& network = demand.network;
  for (int64_t block = 0; block < network.blocks(); ++block) {
    work.blocks += elements_of(network, network.block_parameters(block));
  }
  work.unembedding = elements_of(network, {network.unembedding()});
  work.all = elements_of(network);
  if (network.vocabulary() > vocabulary_slice) work.head_passes = 2;
  const Endpoints ends = demand.trajectory.endpoints(0, network.unembedding());
  work.stored = static_cast<double>(dtype_size(ends.from.dtype));
  const auto chunk = static_cast<size_t>(demand.solver.chunk),
             step = static_cast<size_t>(demand.solver.micro_batch),
             shards = static_cast<size_t>(demand.shards);
  const std::span samples(demand.samples);
  double tokens = 0, batches = 0, chunks = 0;
  for (size_t begin = 0; begin < samples.size(); begin += chunk) {
    const std::span members = samples.subspan(begin, std::min(chunk, samples.size() - begin));
    std::vector<double> of_rank(shards, 0);
    size_t count = 0;
    for (size_t first = 0; first < members.size(); first += step, ++count) {
      of_rank[count % shards] += static_cast<double>(
          padded_tokens(members.subspan(first, std::min(step, members.size() - first))));
    }
    tokens += *std::max_element(of_rank.begin(), of_rank.end());
    batches += std::ceil(static_cast<double>(count) / static_cast<double>(shards));
    ++chunks;
  }
  work.tokens = tokens / chunks;
  work.batches = batches / chunks;
  work.chunks = chunks;
  return work;
}

/// Rounds that are run in several waves where activations do not fit open every block again.
double waves_of(const MemoryPlan& memory, const ExpectedRounds& expected, double batches) {
  if (memory.source == Source::resident) return 1;
  const double wanted = expected.largest * batches * static_cast<double>(memory.activation);
  return std::max(1.0, std::ceil(wanted / static_cast<double>(memory.activations)));
}

}  // namespace

ExpectedRounds expected_rounds(const QuadratureOptions& options, double evaluations,
                               int64_t samples) {
  ExpectedRounds expected;
  if (!finds_nodes(options)) {
    expected.nodes = expected.largest = expected.gradients = options.nodes;
    expected.values = 2;
    return expected;
  }
  const auto first = static_cast<double>(options.first_nodes);
  expected.nodes = expected.largest = first;
  expected.gradients = std::max(evaluations, first);
  for (double level = first; level < 129; level = 2 * level - 1) {
    const double width = level - 1;  // what the next level adds
    const double beyond = std::clamp((expected.gradients - level) / width, 0.0, 1.0);
    const double any = 1 - std::pow(1 - beyond, static_cast<double>(samples));
    expected.rounds += any;
    expected.nodes += any * width;
    if (any > 0) expected.largest = std::max(expected.largest, width);
  }
  return expected;
}

CostEstimate estimate_cost(const MemoryDemand& demand, const MemoryPlan& memory,
                           const Calibration& times, const UnitGrid& units, int64_t segment_groups,
                           double evaluations) {
  const Work work = work_of(demand);
  const auto chunk = std::min(demand.solver.chunk, static_cast<int64_t>(demand.samples.size()));
  const ExpectedRounds expected = expected_rounds(demand.solver.quadrature, evaluations, chunk);
  const bool resident = memory.source == Source::resident;
  const bool split = demand.computation.form == ProductForm::split;
  const auto shards = static_cast<double>(demand.shards);
  // Chunks of the busiest group: a unit has one, or all of a segment's where samples are summed.
  const double chunks =
      std::ceil(static_cast<double>(units.size()) / static_cast<double>(segment_groups)) *
      work.chunks / static_cast<double>(units.per_segment());
  const double segments = std::ceil(chunks / work.chunks);
  const double gradients = expected.gradients * work.tokens, values = expected.values * work.tokens;
  const double head_products = work.head_passes == 1 ? 3 : 4;
  CostEstimate cost;
  cost.operations = chunks * 2 *
                    (gradients * ((split      ? 6
                                   : resident ? 3
                                              : 4) *
                                      work.blocks +
                                  (split ? 1.5 : 1) * head_products * work.unembedding) +
                     values * (work.blocks + work.unembedding));
  // Split: two products where one forms y or δW, besides the forward pass; no W(t).
  const double attributed = times.attributed * (split ? 4.0 / 3 : 1),
               head = times.head * (split ? 1.5 : 1), weight = split ? 0 : times.weight;
  double seconds = chunks * (gradients * (attributed * work.blocks + head * work.unembedding) +
                             values * times.forward * (work.blocks + work.unembedding));
  if (demand.computation.values) {  // neighbouring segments share a pass
    seconds += chunks * (segments + 1) / segments * double_precision_cost * work.tokens *
               times.forward * (work.blocks + work.unembedding);
  }
  if (resident) {
    seconds += chunks * (expected.nodes + expected.values) * weight * work.all +
               (split ? 2 * chunks * gradients * times.forward * work.blocks : 0) +
               segments * (times.finite + times.delta) * work.all;
    cost.bytes_read = segments * 2 * work.stored * work.all;
  } else {
    const double waves = waves_of(memory, expected, work.batches);
    const double opened =
        expected.rounds * waves * (2 * work.blocks + work.head_passes * work.unembedding);
    seconds += chunks *
               (gradients * (split ? 2 : 1) * times.forward * work.blocks + opened * times.delta +
                expected.nodes * weight * (2 * work.blocks + work.head_passes * work.unembedding));
    cost.bytes_read = chunks * 2 * work.stored * opened;
  }
  if (memory.source == Source::gathered) {
    cost.bytes_received = cost.bytes_read * (shards - 1) / shards;
    // Neighbouring segments share an endpoint.
    cost.bytes_read = (segments + 1) * work.stored * (work.blocks + work.unembedding) / shards;
    seconds += cost.bytes_received * times.gather;
  }
  cost.seconds = seconds;
  cost.memory = memory.total();
  if (!resident) {
    const auto kept = static_cast<int64_t>(expected.largest * work.batches *
                                           static_cast<double>(memory.activation));
    cost.memory +=
        memory.held(std::min(kept, memory.activations)) - memory.held(memory.activations);
  }
  return cost;
}

}  // namespace explaind
