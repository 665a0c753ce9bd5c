// explaind plan: what a decomposition will take, before anything of it runs.

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "app/decompose_job.hpp"
#include "app/device_budget.hpp"
#include "app/verbs.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/free_memory.hpp"
#include "decomposition/cost_model.hpp"
#include "decomposition/step_selection.hpp"

namespace explaind {
namespace {

constexpr double calibration_seconds = 2;

std::string bytes(double count) { return format_bytes(count); }
std::string bytes(int64_t count) { return format_bytes(static_cast<double>(count)); }

/// All ranks on this machine, as far as this verb can know.
int64_t budget_of(const PlanOptions& options) {
  if (options.decompose.memory) return parse_bytes("memory", *options.decompose.memory);
  const int64_t free = free_memory();
  return free == 0 ? std::numeric_limits<int64_t>::max() : free / 5 * 4 / options.ranks;
}

int64_t segment_groups_of(const PlanOptions& options) {
  const int64_t shards = options.decompose.shards, groups = options.ranks / shards;
  if (options.ranks % shards != 0 || options.decompose.segment_groups.value_or(groups) != groups) {
    throw UsageError("--shards",
                     fmt::format("{} ranks are not shards × segment groups", options.ranks),
                     "Change --ranks, --shards or --segment-groups");
  }
  return groups;
}

std::string reason(const MemoryPlan& memory, bool chosen, int64_t budget) {
  if (chosen) return "as asked";
  return memory.source == Source::resident
             ? "W(t) and Δ of the whole model fit " + bytes(budget)
             : "W(t) and Δ of the whole model do not fit " + bytes(budget);
}

void print_memory(const MemoryPlan& memory) {
  fmt::print("  memory a rank   {}: program {}", bytes(memory.total()), bytes(memory.base));
  if (!memory.on_device) {
    fmt::print(", weights {}", bytes(memory.parameters));
    if (memory.endpoints > 0) fmt::print(", endpoints {}", bytes(memory.endpoints));
    fmt::print(", graph {}", bytes(memory.graph));
    if (memory.activations > 0) fmt::print(", activations {}", bytes(memory.activations));
  }
  if (memory.shares > 0) fmt::print(", shares of endpoints {}", bytes(memory.shares));
  if (memory.accumulators > 0) fmt::print(", scores {}", bytes(memory.accumulators));
  fmt::print("\n");
  if (memory.on_device) {
    fmt::print(
        "  memory there    {}: CUDA {}, weights {}, endpoints {}, graph {}, activations {}\n",
        bytes(memory.device_total()), bytes(memory.device_base), bytes(memory.parameters),
        bytes(memory.endpoints), bytes(memory.graph), bytes(memory.activations));
  }
}

/// As many segments as --steps will choose; which ones `top` takes is not known before F is, and
/// any will do here.
void assume_steps(DecomposeJob& job, const DecomposeOptions& options) {
  std::vector<int64_t> steps;
  for (size_t i = 0; i < job.series.size(); ++i) steps.push_back(job.series.step(i));
  const std::vector<double> change(steps.size() - 1, 1.0);
  job.trajectory = std::make_unique<CheckpointTrajectory>(
      job.series, *job.network,
      select_segments(StepSelection::parse(options.steps), parse_step_policy(options.step_policy),
                      steps, change));
  job.units = UnitGrid(job.trajectory->segments(), static_cast<int64_t>(job.samples.size()),
                       job.solver.chunk, job.solver.axes.sample);
}

}  // namespace

int run_plan(const PlanOptions& options) {
  const DecomposeOptions& wanted = options.decompose;
  if (wanted.threads > 0) at::set_num_threads(static_cast<int>(wanted.threads));
  const int64_t groups = segment_groups_of(options), budget = budget_of(options);
  const ChosenDevice device = choose_device(wanted.device, 0);
  DecomposeJob job = prepare_job(wanted, device.device);
  assume_steps(job, wanted);
  const MemoryDemand demand{.network = *job.network,
                            .trajectory = *job.trajectory,
                            .samples = job.samples,
                            .table = job.components,
                            .solver = job.solver,
                            .computation = job.computation,
                            .shards = static_cast<int>(wanted.shards)};
  const std::optional<Source> choice = parse_source(wanted.parameters);
  const HostPlace place{.rank = 0, .ranks = static_cast<int>(options.ranks)};
  const MemoryPlan memory =
      plan_memory(demand, choice, {budget, device_budget(wanted, device.device, place)});
  const BlockTimes times = time_block(demand, calibration_seconds);
  const bool fixed = job.solver.quadrature.rule != QuadratureOptions::Rule::adaptive;
  const double evaluations = fixed ? job.solver.quadrature.nodes : options.evaluations;
  const CostEstimate cost = estimate_cost(demand, memory, times, job.units, groups, evaluations,
                                          wanted.store_dtype == "f32");
  const double rate = 6 * times.parameters * times.tokens / times.attributed;
  fmt::print("{} segments, {} samples, {} components: {} units on {} group{} of {} rank{}\n",
             job.trajectory->segments(), job.samples.size(), job.components.size(),
             job.units.size(), groups, groups == 1 ? "" : "s", wanted.shards,
             wanted.shards == 1 ? "" : "s");
  fmt::print("  device          {} ({})\n", device.device.is_cuda() ? "cuda" : "cpu",
             device.reason);
  fmt::print("  engine          A: contraction in the backward pass (per-sample scores)\n");
  fmt::print("  parameters      {}: {}\n", to_string(memory.source),
             reason(memory, choice.has_value(), budget));
  print_memory(memory);
  fmt::print("  read a rank     {}\n  sent a rank     {}\n  store           {}\n",
             bytes(cost.bytes_read), bytes(cost.bytes_sent), bytes(cost.bytes_stored));
  fmt::print("  operations      {:.3g} in all; {:.3g} a second measured here with {} thread{}\n",
             cost.operations, rate, at::get_num_threads(), at::get_num_threads() == 1 ? "" : "s");
  fmt::print("  time            {} on ranks as fast as this one, at {:g} evaluations a sample{}\n",
             format_duration(cost.seconds), evaluations, fixed ? "" : " (assumed: --evaluations)");
  return 0;
}

}  // namespace explaind
