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

constexpr int64_t base_bytes = int64_t{600} << 20;  ///< measured: .5 GiB after LibTorch's start

int64_t elements(const ParameterInfo& parameter) {
  int64_t count = 1;
  for (const int64_t length : parameter.shape) count *= length;
  return count;
}

/// Sizes that shapes alone decide, in elements.
struct Sizes {
  int64_t model = 0, largest_block = 0;    ///< parameters
  int64_t outputs = 0, block_outputs = 0;  ///< outputs of all operations, per token: model, block
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

MemoryPlan plan_of(bool resident, const Sizes& sizes, int64_t tokens, int64_t size) {
  MemoryPlan plan;
  plan.resident = resident;
  plan.base = base_bytes;
  plan.parameters = 2 * size * (resident ? sizes.model : sizes.largest_block);
  // An operation keeps its output and its input; gradients and z come on top of one at a time.
  plan.graph =
      tokens * size * (3 * (resident ? sizes.outputs : sizes.block_outputs) + 2 * sizes.slice);
  return plan;
}

}  // namespace

SourceChoice parse_source(const std::string& word) {
  if (word == "auto") return SourceChoice::automatic;
  if (word == "resident") return SourceChoice::resident;
  if (word == "streamed") return SourceChoice::streamed;
  throw UsageError("--parameters", "'" + word + "' is not available",
                   "Use auto, resident or streamed");
}

MemoryPlan plan_memory(const Network& network, const std::vector<Sample>& samples,
                       const ComponentTable& table, const SolverOptions& solver,
                       at::ScalarType type, SourceChoice choice, int64_t budget) {
  const int64_t size = type == at::kDouble ? 8 : 4;
  const Sizes sizes = sizes_of(network);
  const int64_t tokens = largest_batch(samples, solver.micro_batch);
  const auto chunk = std::min<int64_t>(solver.chunk, static_cast<int64_t>(samples.size()));
  int64_t accumulators = 0;
  if (!table.sums_of_tensors() || solver.axes.position) {
    const int levels = make_plan(solver.quadrature, 1, 1, false)->accumulators();
    const auto width = std::max(table.size(), static_cast<int64_t>(table.parameters().size()));
    const int64_t positions = solver.axes.position ? solver.positions : 1;
    accumulators = 2 * 8 * levels * chunk * positions * width;
  }
  MemoryPlan resident = plan_of(true, sizes, tokens, size);
  MemoryPlan streamed = plan_of(false, sizes, tokens, size);
  for (MemoryPlan* plan : {&resident, &streamed}) plan->accumulators = accumulators;
  const int64_t least = BlockMajorSweep::kept_bytes(network, tokens, sizes.width, size);
  const int64_t spare = budget - streamed.total();
  // All nodes of the last level and both directions' temporaries are the most a round can use.
  const int64_t batches = (chunk + solver.micro_batch - 1) / solver.micro_batch;
  streamed.activations = std::clamp(spare, least, 64 * batches * least);
  if (choice != SourceChoice::streamed && resident.total() <= budget) return resident;
  if (choice != SourceChoice::resident && streamed.total() <= budget) return streamed;
  const MemoryPlan& wanted = choice == SourceChoice::resident ? resident : streamed;
  throw DataError(
      "--memory",
      fmt::format(
          "a rank may take {} and needs {}: {} for the program, {} for weights ({}), {} for "
          "the graph of {} tokens, {} for activations, {} for scores",
          format_bytes(static_cast<double>(budget)),
          format_bytes(static_cast<double>(wanted.total())),
          format_bytes(static_cast<double>(wanted.base)),
          format_bytes(static_cast<double>(wanted.parameters)),
          wanted.resident ? "resident" : "streamed",
          format_bytes(static_cast<double>(wanted.graph)), tokens,
          format_bytes(static_cast<double>(wanted.activations)),
          format_bytes(static_cast<double>(wanted.accumulators))),
      wanted.resident ? fmt::format("With --parameters streamed it takes {}",
                                    format_bytes(static_cast<double>(streamed.total())))
                      : "Give more memory, a smaller --micro-batch, or a smaller --chunk where "
                        "rows or positions "
                        "are kept");
}

}  // namespace explaind
