#include "job/scalar_cost.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <span>
#include <vector>

#include "comm/communicator.hpp"
#include "job/group_collectives.hpp"
#include "sweeps/dense_pass.hpp"

namespace explaind {
namespace {

/// Rows that the samples of a micro-batch are added to: a pass each.
std::set<int64_t> rows_of(const Problem& problem, int64_t first) {
  const auto samples = static_cast<int64_t>(problem.samples.size());
  std::set<int64_t> rows;
  for (int64_t s = first; s < std::min(first + problem.solver.micro_batch, samples); ++s) {
    rows.insert(problem.row_of(s));
  }
  return rows;
}

/// Seconds of the first micro-batch at one node: W(t), and a pass for each of its rows and outputs.
double seconds_of_batch(const Problem& problem, const MemoryPlan& memory, double budget) {
  const Communicator alone = Communicator::self();
  const GroupCollectives collectives = make_group_collectives(alone, problem.computation.device);
  const Workspace workspace =
      workspace_of(problem, *problem.trajectory, memory, *collectives.gathers);
  const std::unique_ptr<DensePass> pass = dense_pass_of(problem, *workspace.parameters);
  const auto count =
      std::min<int64_t>(problem.solver.micro_batch, static_cast<int64_t>(problem.samples.size()));
  const std::span<const Sample> members(problem.samples.data(), static_cast<size_t>(count));
  const MicroBatch batch = make_micro_batch(members, problem.solver.functional);
  std::vector<MicroBatch> rows;
  for (const int64_t row : rows_of(problem, 0)) {
    std::vector<int64_t> own;
    for (int64_t s = 0; s < count; ++s) {
      if (problem.row_of(s) == row) own.push_back(s);
    }
    rows.push_back(batch.subset(own));
  }
  workspace.parameters->load(0);
  const auto evaluate = [&](double t) {
    workspace.parameters->open(whole_model(problem.model()), {});
    workspace.parameters->set_node(t);
    for (const MicroBatch& row : rows) {
      const std::vector<double> ones(row.lengths.size(), 1.0);
      for (int64_t output = 0; output < problem.solver.outputs; ++output) {
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

double scalar_seconds(const Problem& problem, const MemoryPlan& memory, double evaluations,
                      int64_t busy) {
  const auto samples = static_cast<int64_t>(problem.samples.size());
  int64_t passes = 0;
  for (int64_t first = 0; first < samples; first += problem.solver.micro_batch) {
    passes += static_cast<int64_t>(rows_of(problem, first).size());
  }
  const double of_pass = seconds_of_batch(problem, memory, calibration_seconds) /
                         static_cast<double>(rows_of(problem, 0).size());
  return of_pass * static_cast<double>(passes * problem.trajectory->segments()) * evaluations /
         static_cast<double>(busy);
}

}  // namespace explaind
