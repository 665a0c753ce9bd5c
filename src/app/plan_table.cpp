#include "app/plan_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/byte_size.hpp"
#include "core/counted.hpp"

namespace explaind {
namespace {

std::string bytes(double count) { return format_bytes(count); }
std::string bytes(int64_t count) { return format_bytes(static_cast<double>(count)); }
const char* plural(int64_t count) { return count == 1 ? "" : "s"; }

std::string reason(const MemoryPlan& memory, bool chosen, const MemoryBudget& budget) {
  const int64_t there = memory.on_device ? budget.device : budget.host;
  if (chosen) return "as asked";
  return memory.source == Source::resident
             ? "W(t) and Δ of the whole model fit " + bytes(there)
             : "W(t) and Δ of the whole model do not fit " + bytes(there);
}

void print_memory(const MemoryPlan& memory, int64_t expected) {
  fmt::print("  memory          {} a rank", bytes(expected));
  if (memory.total() > expected)
    fmt::print(" ({} if many nodes are needed)", bytes(memory.total()));
  fmt::print(": program {}", bytes(memory.base));
  const auto print_computing = [&](int64_t activations) {
    fmt::print(", weights {}", bytes(memory.weights()));
    if (memory.endpoints > 0) fmt::print(", endpoints {}", bytes(memory.endpoints));
    fmt::print(", graph {}", bytes(memory.graph));
    if (activations > 0) fmt::print(", activations {}", bytes(activations));
  };
  if (!memory.on_device) {
    print_computing(memory.held(memory.activations) - (memory.total() - expected));
  }
  if (memory.shares > 0) fmt::print(", shares of endpoints {}", bytes(memory.shares));
  if (memory.dense > 0) fmt::print(", gradients and scalars {}", bytes(memory.dense));
  if (memory.accumulators > 0) fmt::print(", scores {}", bytes(memory.accumulators));
  fmt::print("\n");
  if (!memory.on_device) return;
  fmt::print("  device memory   {} a rank: CUDA {}", bytes(memory.device_total()),
             bytes(memory.device_base));
  print_computing(memory.held(memory.activations));
  fmt::print("\n");
}

std::string also_dense(const DecomposeJob& job) {
  return job.dense ? "; B: weight gradients at its nodes (every scalar)" : "";
}

void print_time(double seconds, const PlanEvaluations& evaluations, double batches) {
  fmt::print("  time            {} on ranks as fast as this one, at {:.3g} evaluations a sample",
             format_duration(seconds), evaluations.mean);
  if (evaluations.probe) {
    const PlanProbe& probe = *evaluations.probe;
    fmt::print(
        " (measured on {} segment{}, {:.3g} to {:.3g}; {} to {} if all were as easy, or as "
        "hard)\n",
        probe.pieces, plural(probe.pieces), probe.least, probe.most,
        format_duration(batches * probe.shortest), format_duration(batches * probe.longest));
  } else {
    fmt::print("{}\n", evaluations.given ? "" : " (assumed: --evaluations)");
  }
}

}  // namespace

void print_plan(const DecomposeJob& job, const DecomposeOptions& wanted, const PlanTarget& target,
                const CostEstimate& cost, const Calibration& times,
                const PlanEvaluations& evaluations, int64_t scratch, int threads) {
  const int64_t groups = target.groups();
  fmt::print("{}, {}, {}: {} on {} of {} ({})\n", counted(job.pieces.size(), "segment"),
             counted(job.samples.size(), "sample"), counted(job.components.size(), "component"),
             counted(job.units.size(), "unit"), counted(groups, "group"),
             counted(target.grid.shards, "rank"), target.grid.reason);
  fmt::print("  device          {} ({})\n", target.device.device.is_cuda() ? "cuda" : "cpu",
             target.device.reason);
  fmt::print("  products        {}\n", to_string(job.computation.form));
  fmt::print("  engine          A: contraction in the backward pass (per-sample scores){}\n",
             also_dense(job));
  fmt::print("  parameters      {}: {}\n", to_string(target.memory.source),
             reason(target.memory, wanted.parameters != "auto", target.budget));
  print_memory(target.memory, cost.memory);
  fmt::print("  read            {} a rank\n  received        {} a rank\n  store           {}\n",
             bytes(cost.bytes_read), bytes(cost.bytes_received), bytes(cost.bytes_stored));
  if (job.steps) {
    fmt::print(
        "  steps           {} of {} training samples in {} parts each: {} beside the store while "
        "it runs\n",
        job.path->size(), job.steps->batch.samples.size(), job.trajectory->directions(),
        bytes(scratch));
  }
  fmt::print("  operations      {:.3g} a rank; {:.3g} a second measured here with {} thread{}\n",
             cost.operations, times.rate, threads, plural(threads));
  print_time(cost.seconds, evaluations, batches_of_rank(job, target));
}

void print_classifier_plan(const DecomposeJob& job, const PlanTarget& target,
                           const ClassifierCost& cost, const PlanEvaluations& evaluations) {
  const bool forward = choose_engine(job.components, job.computation.precision, job.solver.outputs,
                                     job.trajectory->directions()) == ClassifierEngine::forward;
  fmt::print("{} in {}, {}, {}, {}: {} on {}\n", counted(job.trajectory->segments(), "step"),
             counted(job.pieces.size(), "segment"), counted(job.samples.size(), "sample"),
             counted(job.solver.outputs, "output"), counted(job.components.size(), "component"),
             counted(job.units.size(), "unit"), counted(target.ranks, "rank"));
  fmt::print("  engine          {}\n",
             (forward ? "C: tangents of every tensor, all outputs at once"
                      : "A: contraction in the backward pass, one for every output") +
                 also_dense(job));
  print_memory(target.memory, target.memory.total());
  fmt::print("  store           {}\n", bytes(cost.bytes_stored));
  fmt::print("  one evaluation  {:.2g} s for {} samples\n", cost.per_evaluation,
             std::min<int64_t>(job.solver.micro_batch, static_cast<int64_t>(job.samples.size())));
  print_time(cost.seconds, evaluations, batches_of_rank(job, target));
}

void print_train_axis(const DecomposeJob& job, const TrainAxis& axis, const TrainAxisCost& cost,
                      int64_t ranks) {
  fmt::print("{}, {}, {} in {}, {} on {}\n", counted(axis.steps(), "step"),
             counted(axis.groups().names.size(),
                     job.solver.axes.train_group ? "training group" : "training sample"),
             counted(job.samples.size(), "sample"), counted(job.units.per_segment(), "chunk"),
             counted(job.components.size(), "component"), counted(ranks, "rank"));
  fmt::print("  engine          {}\n",
             axis.applied()
                 ? fmt::format("momentum of every training {}, by the step applied, in {} block{} "
                               "of parameters",
                               job.solver.axes.train_group ? "group" : "sample", cost.blocks,
                               plural(cost.blocks))
                 : "D: adjoint sweep backward over the steps, by the step of origin");
  fmt::print("  memory          {} a rank\n", bytes(cost.memory));
  fmt::print("  read            {} a rank\n  store           {}\n", bytes(cost.bytes_read),
             bytes(cost.bytes_stored));
  fmt::print("  operations      {:.3g} passes over training batches a rank\n", cost.passes);
  fmt::print(
      "  time            {} on ranks as fast as this one, at {:.3g} evaluations a sample and "
      "step (measured)\n",
      format_duration(cost.seconds), cost.evaluations);
}

}  // namespace explaind
