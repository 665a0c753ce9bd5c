#include "decomposition/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "decomposition/block_major_sweep.hpp"
#include "decomposition/vocabulary_head.hpp"
#include "quadrature/adaptive_plan.hpp"

namespace explaind {
namespace {

/// Measured: 66 MiB after the start of LibTorch for CPUs, and up to 60 more for the buffers of its
/// matrix products.
constexpr int64_t base_bytes = int64_t{128} << 20;

int64_t elements(const ParameterInfo& parameter) {
  int64_t count = 1;
  for (const int64_t length : parameter.shape) count *= length;
  return count;
}

/// Sizes that shapes alone decide, in elements.
struct Sizes {
  int64_t model = 0, largest_block = 0;    ///< parameters
  int64_t outputs = 0, block_outputs = 0;  ///< of all operations, per token: model, block
  int64_t width = 0, slice = 0;            ///< C; rows of the unembedding dealt with at once
};

Sizes sizes_of(const Network& network) {
  Sizes sizes;
  const auto info = [&](ParameterId id) -> const ParameterInfo& {
    return network.parameters()[static_cast<size_t>(id)];
  };
  for (const ParameterInfo& parameter : network.parameters()) sizes.model += elements(parameter);
  for (int64_t block = 0; block < network.blocks(); ++block) {
    int64_t parameters = 0, outputs = 0;
    for (const ParameterId id : network.block_parameters(block)) {
      parameters += elements(info(id));
      outputs += info(id).shape[0];
    }
    sizes.largest_block = std::max(sizes.largest_block, parameters);
    sizes.block_outputs = std::max(sizes.block_outputs, outputs);
    sizes.outputs += outputs;
  }
  const ParameterInfo& unembedding = info(network.unembedding());
  sizes.width = unembedding.shape[1];
  sizes.slice = std::min(unembedding.shape[0], vocabulary_slice);
  sizes.largest_block = std::max(sizes.largest_block, sizes.slice * sizes.width);
  return sizes;
}

/// Padded tokens of the largest micro-batch.
int64_t largest_batch(const std::vector<Sample>& samples, int64_t micro_batch) {
  int64_t largest = 0;
  for (size_t first = 0; first < samples.size(); first += static_cast<size_t>(micro_batch)) {
    const size_t last = std::min(first + static_cast<size_t>(micro_batch), samples.size());
    size_t longest = 0;
    for (size_t i = first; i < last; ++i) longest = std::max(longest, samples[i].input_ids.size());
    largest = std::max(largest, static_cast<int64_t>((last - first) * longest));
  }
  return largest;
}

/// Stored bytes of an element: the widest of all tensors at the first checkpoint.
int64_t stored_size(const MemoryDemand& demand) {
  size_t size = 0;
  for (size_t i = 0; i < demand.network.parameters().size(); ++i) {
    const Endpoints ends = demand.trajectory.endpoints(0, static_cast<ParameterId>(i));
    size = std::max(size, dtype_size(ends.from.dtype));
  }
  return static_cast<int64_t>(size);
}

int64_t accumulator_bytes(const MemoryDemand& demand, int64_t chunk) {
  const SolverOptions& solver = demand.solver;
  if (demand.table.sums_of_tensors() && !solver.axes.position) return 0;
  const int levels = make_plan(solver.quadrature, 1, 1, false)->accumulators();
  const auto tensors = static_cast<int64_t>(demand.table.parameters().size());
  const int64_t width = std::max(demand.table.size(), tensors);
  const int64_t positions = solver.axes.position ? solver.positions : 1;
  return 2 * 8 * levels * chunk * positions * width;
}

MemoryPlan plan_of(Source source, const MemoryDemand& demand, int64_t budget) {
  const Sizes sizes = sizes_of(demand.network);
  const int64_t size = demand.type == at::kDouble ? 8 : 4;
  const int64_t micro_batch = demand.solver.micro_batch;
  const int64_t tokens = largest_batch(demand.samples, micro_batch);
  const auto chunk =
      std::min<int64_t>(demand.solver.chunk, static_cast<int64_t>(demand.samples.size()));
  const bool resident = source == Source::resident;
  MemoryPlan plan;
  plan.source = source;
  plan.base = base_bytes;
  plan.parameters = 2 * size * (resident ? sizes.model : sizes.largest_block);
  // An operation keeps its output and its input, about two of these numbers for each output; the
  // rest is what the heap loses between tensors of different sizes, which free and take turns.
  // Logits, their gradient, z and a product's result are there at once.
  plan.graph =
      tokens * size * (4 * (resident ? sizes.outputs : sizes.block_outputs) + 4 * sizes.slice);
  plan.accumulators = accumulator_bytes(demand, chunk);
  if (source == Source::gathered) {
    plan.endpoints = 2 * stored_size(demand) * (sizes.model / demand.shards + sizes.largest_block);
  }
  if (!resident) {
    const int64_t least = BlockMajorSweep::kept_bytes(demand.network, tokens, sizes.width, size);
    // 64 nodes, of the last level, are the most that a round asks.
    const int64_t batches = (chunk + micro_batch - 1) / micro_batch;
    plan.activation = least;
    plan.activations = std::clamp(static_cast<int64_t>(static_cast<double>(budget - plan.total()) /
                                                       MemoryPlan::held_per_activation),
                                  least, 64 * batches * least);
  }
  return plan;
}

std::string text(int64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

}  // namespace

std::optional<Source> parse_source(const std::string& word) {
  for (const Source source : {Source::resident, Source::gathered, Source::streamed}) {
    if (word == to_string(source)) return source;
  }
  if (word == "auto") return std::nullopt;
  throw UsageError("--parameters", "'" + word + "' is not available",
                   "Use auto, resident, gathered or streamed");
}

std::string to_string(Source source) {
  return source == Source::resident   ? "resident"
         : source == Source::gathered ? "gathered"
                                      : "streamed";
}

bool fits_memory(Source source, const MemoryDemand& demand, int64_t budget) {
  return plan_of(source, demand, budget).total() <= budget;
}

MemoryPlan plan_memory(const MemoryDemand& demand, std::optional<Source> choice, int64_t budget) {
  std::vector<Source> candidates{Source::resident};
  if (demand.shards > 1) candidates.push_back(Source::gathered);
  candidates.push_back(Source::streamed);
  if (choice) candidates = {*choice};
  for (const Source source : candidates) {
    const MemoryPlan plan = plan_of(source, demand, budget);
    if (plan.total() <= budget) return plan;
  }
  const MemoryPlan wanted = plan_of(candidates.back(), demand, budget);
  const MemoryPlan least = plan_of(Source::streamed, demand, budget);
  throw DataError(
      "--memory",
      fmt::format(
          "a rank may take {} and needs {}: {} for the program, {} for weights ({}), {} for "
          "endpoints, {} for a micro-batch's graph, {} for activations, {} for scores",
          text(budget), text(wanted.total()), text(wanted.base), text(wanted.parameters),
          to_string(wanted.source), text(wanted.endpoints), text(wanted.graph),
          text(wanted.activations), text(wanted.accumulators)),
      least.total() <= budget ? "With --parameters streamed it takes " + text(least.total())
                              : "Give more memory, a smaller --micro-batch, or a smaller --chunk "
                                "where rows or positions "
                                "are kept");
}

}  // namespace explaind
