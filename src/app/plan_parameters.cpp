#include "app/plan_parameters.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <span>
#include <vector>

#include "app/group_collectives.hpp"
#include "app/parameter_scores.hpp"
#include "comm/communicator.hpp"
#include "sweeps/dense_pass.hpp"

namespace explaind {
namespace {

int64_t row_of(const DecomposeJob& job, int64_t sample) {
  if (job.solver.axes.sample) return sample;
  return job.solver.axes.group ? job.groups.of_sample[static_cast<size_t>(sample)] : 0;
}

/// Rows that the samples of a micro-batch are added to: a pass each.
std::set<int64_t> rows_of(const DecomposeJob& job, int64_t first) {
  const auto samples = static_cast<int64_t>(job.samples.size());
  std::set<int64_t> rows;
  for (int64_t s = first; s < std::min(first + job.solver.micro_batch, samples); ++s) {
    rows.insert(row_of(job, s));
  }
  return rows;
}

int64_t rows_stored(const DecomposeJob& job) {
  if (job.solver.axes.sample) return static_cast<int64_t>(job.samples.size());
  return job.solver.axes.group ? static_cast<int64_t>(job.groups.names.size()) : 1;
}

/// Seconds of the first micro-batch at one node: W(t), and a pass for each of its rows and outputs.
double seconds_of_batch(const DecomposeJob& job, const MemoryPlan& memory, double budget) {
  const Communicator alone = Communicator::self();
  const GroupCollectives collectives = make_group_collectives(alone, job.computation.device);
  const Workspace workspace = workspace_of(job, *job.trajectory, memory, *collectives.gathers);
  const std::unique_ptr<DensePass> pass = dense_pass_of(job, *workspace.parameters);
  const auto count =
      std::min<int64_t>(job.solver.micro_batch, static_cast<int64_t>(job.samples.size()));
  const std::span<const Sample> members(job.samples.data(), static_cast<size_t>(count));
  const MicroBatch batch = make_micro_batch(members, job.solver.functional);
  std::vector<MicroBatch> rows;
  for (const int64_t row : rows_of(job, 0)) {
    std::vector<int64_t> own;
    for (int64_t s = 0; s < count; ++s) {
      if (row_of(job, s) == row) own.push_back(s);
    }
    rows.push_back(batch.subset(own));
  }
  workspace.parameters->load(0);
  const auto evaluate = [&](double t) {
    workspace.parameters->open(whole_model(*job.model), {});
    workspace.parameters->set_node(t);
    for (const MicroBatch& row : rows) {
      const std::vector<double> ones(row.lengths.size(), 1.0);
      for (int64_t output = 0; output < job.solver.outputs; ++output) {
        static_cast<void>(pass->gradient(row, ones, output));
      }
    }
  };
  using Clock = std::chrono::steady_clock;
  evaluate(0.25);  // buffers and caches are warm then
  const auto start = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  int64_t done = 0;
  for (; done == 0 || passed() < budget; ++done) evaluate(done % 2 == 0 ? 0.5 : 0.75);
  return passed() / static_cast<double>(done);
}

}  // namespace

ParameterCost parameter_cost(const DecomposeJob& job, const MemoryPlan& memory, double evaluations,
                             int64_t busy, bool single_precision, double budget) {
  const auto samples = static_cast<int64_t>(job.samples.size());
  int64_t passes = 0;
  for (int64_t first = 0; first < samples; first += job.solver.micro_batch) {
    passes += static_cast<int64_t>(rows_of(job, first).size());
  }
  const double of_pass =
      seconds_of_batch(job, memory, budget) / static_cast<double>(rows_of(job, 0).size());
  ParameterCost cost;
  cost.seconds = of_pass * static_cast<double>(passes * job.trajectory->segments()) * evaluations /
                 static_cast<double>(busy);
  cost.bytes_stored = (single_precision ? 4 : 8) * static_cast<int64_t>(job.pieces.size()) *
                      rows_stored(job) * parameter_count(*job.model) * job.solver.outputs;
  return cost;
}

}  // namespace explaind
