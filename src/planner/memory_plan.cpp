#include "planner/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/byte_size.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"
#include "engines/vocabulary_head.hpp"
#include "quadrature/plan.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "tensors/product.hpp"

namespace explaind {
namespace {

/// Measured: 66 MiB after the start of LibTorch for CPUs, and up to 60 more for the buffers of its
/// matrix products.
constexpr int64_t base_bytes = int64_t{128} << 20;
/// A thread packs the operands of a product's piece: 5 to 11 MB each were measured.
constexpr int64_t packing_bytes = int64_t{10} << 20;
/// LibTorch's CUDA library, pinned buffers on the way to and from the device.
constexpr int64_t cuda_host_bytes = int64_t{2} << 30;
constexpr int64_t cuda_device_bytes = int64_t{1} << 30;  ///< context, kernels, products' workspaces

/// Sizes that shapes alone decide, in elements.
struct Sizes {
  int64_t model = 0, largest_block = 0;    ///< parameters
  int64_t used_whole = 0;                  ///< parameters of which not only rows are looked up
  int64_t outputs = 0, block_outputs = 0;  ///< of all operations, per token: model, block
  int64_t pairs = 0, block_pairs = 0;      ///< the same per pair of a sequence's positions
  int64_t width = 0, slice = 0;            ///< C; rows of the unembedding dealt with at once
};

Sizes sizes_of(const Network& network) {
  Sizes sizes;
  const auto info = [&](ParameterId id) -> const ParameterInfo& {
    return network.parameters()[static_cast<size_t>(id)];
  };
  for (const ParameterInfo& parameter : network.parameters()) {
    sizes.model += elements(parameter.shape);
  }
  for (int64_t block = 0; block < network.blocks(); ++block) {
    int64_t parameters = 0, outputs = 0;  // a bias is added to a matrix's, which is counted
    for (const ParameterId id : network.block_parameters(block)) {
      parameters += elements(info(id).shape);
      outputs += info(id).kind == "bias" ? 0 : info(id).outputs();
    }
    sizes.largest_block = std::max(sizes.largest_block, parameters);
    sizes.used_whole += parameters;
    sizes.block_outputs = std::max(sizes.block_outputs, outputs);
    sizes.outputs += outputs;
    const int64_t pairs = network.pair_outputs(block);
    sizes.block_pairs = std::max(sizes.block_pairs, pairs);
    sizes.pairs += pairs;
  }
  const ParameterInfo& unembedding = info(network.unembedding());
  sizes.used_whole += elements(unembedding.shape);
  sizes.width = unembedding.shape[1];
  sizes.slice = std::min(unembedding.shape[0], vocabulary_slice);
  sizes.largest_block = std::max(sizes.largest_block, sizes.slice * sizes.width);
  return sizes;
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
  const int64_t directions = demand.trajectory.directions();
  if (demand.table.sums_of_tensors() && !solver.axes.position && directions == 0) return 0;
  const int levels = make_plan(solver.quadrature, 1, 1, false)->accumulators();
  const auto tensors = static_cast<int64_t>(demand.table.parameters().size());
  const int64_t width = std::max(demand.table.size(), tensors);
  const int64_t positions = solver.axes.position ? solver.positions : 1;
  return 2 * 8 * levels * chunk * positions * width * (1 + directions);
}

/// Single products of positions and rows are kept, in fp64 as all contractions are.
bool keeps_products(const MemoryDemand& demand) {
  const ParameterSlot& slot = demand.table.slot(demand.network.unembedding());
  return demand.solver.axes.position && slot.division == Division::rows;
}

MemoryPlan plan_of(Source source, const MemoryDemand& demand, const MemoryBudget& budget) {
  const Sizes sizes = sizes_of(demand.network);
  const auto& [precision, form, device, values] = demand.computation;
  const auto size = static_cast<int64_t>(at::elementSize(precision.type));
  const auto product_size = static_cast<int64_t>(at::elementSize(precision.products));
  const int64_t micro_batch = demand.solver.micro_batch;
  const bool split = form == ProductForm::split;
  const int64_t tokens =
      largest_micro_batch(demand.samples, micro_batch) * (split ? split_nodes : 1);
  const auto chunk =
      std::min<int64_t>(demand.solver.chunk, static_cast<int64_t>(demand.samples.size()));
  const bool resident = source == Source::resident, whole_graph = resident && !split;
  MemoryPlan plan;
  plan.source = source;
  plan.on_device = device.is_cuda();
  plan.base = base_bytes +
              (plan.on_device ? cuda_host_bytes
                              : thread_bytes(demand.network.parameters(), tokens, budget.threads));
  plan.device_base = plan.on_device ? cuda_device_bytes : 0;
  const int64_t arrays = 2 + demand.trajectory.directions();
  plan.parameters = arrays * product_size * (resident ? sizes.used_whole : sizes.largest_block);
  // An operation keeps its output and its input, about two numbers for each output, and those of
  // products also rounded where they are; one more is what the heap loses between tensors of
  // different sizes, which free and take turns. The block at work has as many again: gradients, z,
  // results of products. Of a split product there are two results, kept or joined. Logits, their
  // gradient, z and a product's result are there at once. (tests/system/memory_plan.py)
  const int64_t outputs = whole_graph ? sizes.outputs : sizes.block_outputs;
  const int64_t of_output = split ? 4 : 3, of_logit = split ? 5 : 4;
  plan.graph =
      tokens * (size * (of_output * (outputs + sizes.block_outputs) + of_logit * sizes.slice) +
                (precision.rounds_products() ? 2 * product_size * outputs : 0));
  // Attention that is not fused keeps numbers for pairs of positions, and the heap loses half as
  // much between them; the block at work has one and a half times as much. Logits are there before
  // its way back or after it.
  const int64_t pairs =
      (split ? split_nodes : 1) * most_position_pairs(demand.samples, micro_batch) * size;
  const int64_t of_pairs = whole_graph ? sizes.pairs : sizes.block_pairs;
  plan.graph += pairs * of_pairs * 3 / 2 +
                std::max<int64_t>(
                    0, pairs * sizes.block_pairs * 3 / 2 - tokens * size * of_logit * sizes.slice);
  if (keeps_products(demand)) plan.graph += 8 * tokens * sizes.slice;
  if (values) {
    const auto wide = static_cast<int64_t>(at::elementSize(values->type));
    plan.value_weights = wide * sizes.largest_block;
    plan.value_graph =
        largest_micro_batch(demand.samples, micro_batch) * wide *
            (2 * sizes.block_outputs + 2 * sizes.slice) +
        most_position_pairs(demand.samples, micro_batch) * wide * 2 * sizes.block_pairs +
        MemoryPlan::held(MemoryPlan::value_activations);
  }
  plan.accumulators =
      accumulator_bytes(demand, chunk) + tile_bytes(demand.solver, demand.samples, demand.table,
                                                    demand.trajectory.directions(), demand.shards);
  const int64_t stored = 2 * stored_size(demand);  // of both ends
  const int64_t share = stored * (sizes.model / demand.shards);
  const int64_t two_blocks = 2 * stored * sizes.largest_block;  // what is open, and what comes next
  const int64_t gathered = source == Source::gathered ? share + two_blocks : 0;
  if (plan.on_device) {  // NCCL gathers there, MPI here: room for either
    plan.endpoints = resident ? stored * sizes.used_whole + (values ? two_blocks : 0)
                              : std::max(two_blocks, gathered);
    plan.shares = gathered;
  } else {
    plan.endpoints = gathered;
  }
  if (!whole_graph) {
    const int64_t least = BlockMajorSweep::kept_bytes(demand.network, tokens, sizes.width, size);
    // 64 nodes, of the last level, are the most that a round asks.
    const int64_t batches = (chunk + micro_batch - 1) / micro_batch;
    const int64_t left =
        plan.on_device ? budget.device - plan.device_total() : budget.host - plan.total();
    plan.activation = least;
    plan.activations = std::clamp(
        static_cast<int64_t>(static_cast<double>(left) / MemoryPlan::held_per_activation), least,
        (split ? 64 / split_nodes : 64) * batches * least);
  }
  return plan;
}

std::string text(int64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

std::string why_no_more(const MemoryBudget& budget, bool device_decides) {
  return device_decides || budget.limit.empty() ? "" : " (" + budget.limit + ")";
}

}  // namespace

int64_t thread_bytes(const std::vector<ParameterInfo>& parameters, int64_t rows, int64_t threads) {
  int64_t pieces = 1;
  for (const ParameterInfo& parameter : parameters) {
    if (parameter.shape.size() != 2) continue;
    pieces =
        std::max(pieces, cut_of_product(rows, parameter.shape[0], parameter.shape[1]).pieces());
  }
  return packing_bytes * (std::min(threads, pieces) - 1);
}

int64_t tile_bytes(const SolverOptions& solver, const std::vector<Sample>& samples,
                   const ComponentTable& table, int64_t directions, int shards) {
  int64_t rows = 1;
  if (solver.axes.sample) {  // ranks that share a unit hold whole micro-batches of them
    const auto chunk = std::min<int64_t>(solver.chunk, static_cast<int64_t>(samples.size()));
    const int64_t batches = (chunk + solver.micro_batch - 1) / solver.micro_batch;
    rows = std::min(chunk, (batches + shards - 1) / shards * solver.micro_batch);
  } else if (solver.axes.group) {
    rows = static_cast<int64_t>(group_samples(samples).names.size());
  }
  const int64_t positions = solver.axes.position ? solver.positions : 1;
  constexpr int64_t under_way = 2;
  return 8 * (solver.tiles * rows * solver.outputs + under_way) * positions * table.size() *
         (1 + directions);
}

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

bool fits_memory(Source source, const MemoryDemand& demand, const MemoryBudget& budget) {
  return plan_of(source, demand, budget).fits(budget);
}

MemoryPlan plan_memory(const MemoryDemand& demand, std::optional<Source> choice,
                       const MemoryBudget& budget) {
  std::vector<Source> candidates{Source::resident};
  if (demand.shards > 1) candidates.push_back(Source::gathered);
  candidates.push_back(Source::streamed);
  if (choice) candidates = {*choice};
  for (const Source source : candidates) {
    const MemoryPlan plan = plan_of(source, demand, budget);
    if (plan.fits(budget)) return plan;
  }
  const MemoryPlan wanted = plan_of(candidates.back(), demand, budget);
  const MemoryPlan least = plan_of(Source::streamed, demand, budget);
  const bool device_decides = wanted.device_total() > budget.device;
  const int64_t there = device_decides ? budget.device : budget.host;
  const int64_t needed = device_decides ? wanted.device_total() : wanted.total();
  throw DataError(
      device_decides ? "--device-memory" : "--memory",
      fmt::format("a rank may take {}{} and needs {}: {} for the program, {} for weights ({}), {} "
                  "for endpoints, {} for a micro-batch's graph, {} for activations, {} for scores",
                  text(there), why_no_more(budget, device_decides), text(needed),
                  text(device_decides ? wanted.device_base : wanted.base), text(wanted.weights()),
                  to_string(wanted.source), text(wanted.endpoints), text(wanted.graph),
                  text(wanted.activations), text(wanted.accumulators)),
      least.fits(budget)
          ? "With --parameters streamed it takes " +
                text(device_decides ? least.device_total() : least.total())
          : "Give more memory, a smaller --micro-batch, or a smaller --chunk where rows or "
            "positions are kept");
}

}  // namespace explaind
