#include "decomposition/cost_model.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "decomposition/attributed_ops.hpp"
#include "decomposition/block_parameters.hpp"
#include "decomposition/uploaded_endpoints.hpp"
#include "decomposition/vocabulary_head.hpp"

namespace explaind {
namespace {

double elements_of(const Network& network, const std::vector<ParameterId>& ids) {
  double count = 0;
  for (const ParameterId id : ids) {
    double elements = 1;
    for (const int64_t length : network.parameters()[static_cast<size_t>(id)].shape) {
      elements *= static_cast<double>(length);
    }
    count += elements;
  }
  return count;
}

int64_t largest_block(const Network& network) {
  int64_t largest = 0;
  double most = -1;
  for (int64_t block = 0; block < network.blocks(); ++block) {
    const double count = elements_of(network, network.block_parameters(block));
    if (count > most) {
      most = count;
      largest = block;
    }
  }
  return largest;
}

/// The micro-batch with most padded tokens.
MicroBatch largest_batch(const MemoryDemand& demand) {
  MicroBatch largest;
  const auto step = static_cast<size_t>(demand.solver.micro_batch);
  for (size_t first = 0; first < demand.samples.size(); first += step) {
    const size_t count = std::min(step, demand.samples.size() - first);
    MicroBatch batch =
        make_micro_batch(std::span(demand.samples).subspan(first, count), demand.solver.functional);
    if (batch.input_ids.size() > largest.input_ids.size()) largest = std::move(batch);
  }
  return largest;
}

double seconds_of(const Device& device, const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  device.synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Median of runs for about `budget` seconds, the first (cold caches) left out unless it took very
/// long.
double median_of(const Device& device, double budget, const std::function<void()>& action) {
  constexpr double patience = 20;
  std::vector<double> runs;
  double spent = 0;
  while (runs.size() < 2 || (spent < budget && runs.size() < 1000)) {
    runs.push_back(seconds_of(device, action));
    spent += runs.back();
    if (runs.size() == 1 && spent > patience) return spent;
  }
  std::sort(runs.begin() + 1, runs.end());
  return runs[1 + (runs.size() - 1) / 2];
}

/// Everything in the model that is multiplied with activations, and the padded tokens it sees.
struct Work {
  double blocks = 0, unembedding = 0;  ///< elements
  double tokens = 0;                   ///< of all samples, padded to their micro-batches
  double stored = 0;                   ///< bytes of an element
  double head_products = 3;            ///< of the unembedding
};

Work work_of(const MemoryDemand& demand) {
  Work work;
  const Network& network = demand.network;
  for (int64_t block = 0; block < network.blocks(); ++block) {
    work.blocks += elements_of(network, network.block_parameters(block));
  }
  work.unembedding = elements_of(network, {network.unembedding()});
  if (network.vocabulary() > vocabulary_slice) work.head_products = 4;
  const auto step = static_cast<size_t>(demand.solver.micro_batch);
  for (size_t first = 0; first < demand.samples.size(); first += step) {
    const size_t last = std::min(first + step, demand.samples.size());
    size_t longest = 0;
    for (size_t i = first; i < last; ++i) {
      longest = std::max(longest, demand.samples[i].input_ids.size());
    }
    work.tokens += static_cast<double>((last - first) * longest);
  }
  const Endpoints ends = demand.trajectory.endpoints(0, network.unembedding());
  work.stored = static_cast<double>(dtype_size(ends.from.dtype));
  return work;
}

double stored_bytes(const MemoryDemand& demand, bool single) {
  const auto segments = static_cast<double>(demand.trajectory.segments());
  const auto samples = static_cast<double>(demand.samples.size());
  const Axes& axes = demand.solver.axes;
  double scores = static_cast<double>(demand.table.size()) * segments * (single ? 4 : 8);
  if (axes.sample) scores *= samples;
  if (axes.group) scores *= static_cast<double>(group_samples(demand.samples).names.size());
  if (axes.position) scores *= static_cast<double>(demand.solver.positions);
  return scores + segments * samples * (4 * 8 + 4 + 3);
}

}  // namespace

BlockTimes time_block(const MemoryDemand& demand, double seconds) {
  const Network& network = demand.network;
  const int64_t block = largest_block(network);
  const MicroBatch batch = largest_batch(demand);
  const auto& [precision, form, device] = demand.computation;
  std::unique_ptr<EndpointReader> reader = std::make_unique<MappedEndpoints>(demand.trajectory);
  if (device.has_twins()) reader = std::make_unique<UploadedEndpoints>(std::move(reader), device);
  BlockParameters parameters(network, demand.trajectory, precision, std::move(reader), device);
  parameters.load(0);
  const auto parts = whole(network, network.block_parameters(block));
  const bool follow = demand.table.sums_of_tensors() && !demand.solver.axes.position;
  Ask ask{.t = 0.5, .samples = {}, .value_only = false, .accumulators = 1, .weights = {}};
  Members members;
  for (int64_t b = 0; b < batch.size(); ++b) {
    ask.samples.push_back(b);
    ask.weights.push_back(1);
    members.push_back({.ask = 0, .row = b, .length = batch.lengths[static_cast<size_t>(b)]});
  }
  const std::vector<Ask> asks{ask};
  ScoreAccumulator sink(demand.table, batch.size(),
                        demand.solver.axes.position ? batch.positions : 0, 1, !follow, device);
  const int64_t width =
      network.parameters()[static_cast<size_t>(network.unembedding())].shape.at(1);
  const at::Tensor input =
      at::randn({batch.size(), batch.positions, width}, device.options(precision.type));
  BlockTimes times;
  times.parameters = elements_of(network, network.block_parameters(block));
  times.tokens = static_cast<double>(batch.input_ids.size());
  times.delta = median_of(device, 0.1 * seconds, [&] { parameters.open(parts, {}); });
  double t = 0.25;
  times.weight = median_of(device, 0.1 * seconds, [&] { parameters.set_node(t += 1e-6); });
  times.forward = median_of(device, 0.3 * seconds, [&] {
    const c10::NoGradGuard no_graph;
    SourceOps ops(parameters);
    network.block(block, input, ops);
  });
  times.attributed = median_of(device, 0.5 * seconds, [&] {
    sink.begin_round(asks);
    sink.begin_evaluation(members);
    AttributedOps ops(parameters, demand.table, sink);
    const at::Tensor output = network.block(block, input.detach().requires_grad_(true), ops);
    output.backward(at::ones_like(output));
    sink.end_round();
  });
  return times;
}

CostEstimate estimate_cost(const MemoryDemand& demand, const MemoryPlan& memory,
                           const BlockTimes& times, const UnitGrid& units, int64_t segment_groups,
                           double evaluations, bool single_precision_store) {
  const Work work = work_of(demand);
  const bool resident = memory.source == Source::resident;
  const auto segments = static_cast<double>(demand.trajectory.segments());
  const auto groups = static_cast<double>(segment_groups),
             shards = static_cast<double>(demand.shards);
  // Units of a group, the busiest one's.
  const double per_group =
      static_cast<double>((units.size() + segment_groups - 1) / segment_groups);
  const double chunks = static_cast<double>(units.per_segment());
  const double model = work.blocks + work.unembedding;
  CostEstimate cost;
  const double products = (resident ? 3 : 4) * work.blocks + work.head_products * work.unembedding;
  cost.operations = 2 * products * work.tokens * evaluations * segments;
  // One unit: seconds per element of the block measured, times elements.
  const double share = work.tokens / times.tokens / chunks / shards / times.parameters;
  const double attributed = times.attributed * share, forward = times.forward * share;
  double unit = evaluations *
                (attributed * work.blocks + attributed * work.head_products / 3 * work.unembedding);
  const double weight = times.weight / times.parameters, delta = times.delta / times.parameters;
  const double rounds = evaluations <= 9 ? 1 : evaluations <= 17 ? 2 : 3;
  if (resident) {
    unit += evaluations * weight * model + delta * model / chunks;
    cost.bytes_read = 2 * work.stored * model * per_group / chunks;
  } else {
    unit += evaluations * (forward * work.blocks + 2 * weight * model) + 2 * rounds * delta * model;
    cost.bytes_read = 4 * rounds * work.stored * model * per_group;
  }
  if (memory.source == Source::gathered) {
    cost.bytes_sent = cost.bytes_read * (shards - 1) / shards;
    cost.bytes_read = 2 * work.stored * model / shards * segments / groups;
  }
  cost.bytes_stored = stored_bytes(demand, single_precision_store);
  cost.seconds = unit * per_group;
  return cost;
}

}  // namespace explaind
