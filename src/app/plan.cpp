// explaind plan: what a decomposition will take, before anything of it runs.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/listening.hpp"
#include "app/loss_table.hpp"
#include "app/not_checked.hpp"
#include "app/output_claims.hpp"
#include "app/scaling_table.hpp"
#include "app/verbs.hpp"
#include "comm/agree_on_files.hpp"
#include "comm/allotted.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "job/checkpoint_values.hpp"
#include "job/job.hpp"
#include "machine/file_system.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

void require_losses(const Problem& problem) {
  if (problem.solver.outputs > 1) {
    throw UsageError("--losses",
                     "shows one number a sample, and the logits of all classes are many",
                     "Give --functional loss, or one class");
  }
  if (problem.steps) {
    throw UsageError("--losses", "is of a series' checkpoints, and steps begin at each of them",
                     "Leave out --source steps");
  }
}

/// F at every checkpoint, by the ranks there are; printed and written by rank 0. @collective
CheckpointValues show_losses(const PlanOptions& options, const Job& job, const Control& control) {
  const Communicator& world = job.place().world;
  require_losses(job.problem());
  std::vector<PathClaim> outputs;
  agree(world, [&] {
    if (world.rank() != 0 || !options.losses_file) return;
    require_writable(*options.losses_file);
    outputs = claim_outputs({*options.losses_file});
  });
  CheckpointValues values = job.values(control);
  agree(world, [&] {
    if (world.rank() != 0) return;
    if (options.losses_file) write_losses(values, job.problem(), *options.losses_file);
    print_losses(values, job.problem());
    fmt::print("{}", curve_text(step_curve(values.steps, values.changes())));
    if (options.losses_file) fmt::print("\nWrote {}\n", *options.losses_file);
    fmt::print("\n");
  });
  return values;
}

/// What a rank may take, and what is in the way of more.
std::vector<std::pair<std::string, std::string>> limits_of(const Job& job, const Allotment& share,
                                                           int threads) {
  const MemoryBudget& budget = job.budget();
  const std::string bytes = format_bytes(static_cast<double>(budget.host)) + " a rank";
  std::vector<std::pair<std::string, std::string>> lines;
  lines.emplace_back("may take", budget.limit.empty() ? bytes : bytes + ": " + budget.limit);
  const std::string count = fmt::format("{} a rank", threads);
  lines.emplace_back("threads",
                     threads == share.threads ? count + ": " + share.threads_limit : count);
  return lines;
}

/// The ranks to plan for, where they are not those that plan itself has.
std::optional<PlannedRanks> planned_ranks(const PlanOptions& options, const Communicator& world) {
  if (!options.ranks && !options.nodes) return std::nullopt;
  const int64_t ranks = options.ranks.value_or(world.size()), nodes = options.nodes.value_or(1);
  if (nodes > ranks) {
    throw UsageError("--nodes",
                     fmt::format("{} for {}", counted(nodes, "node"), counted(ranks, "rank")),
                     "Give at least as many --ranks");
  }
  return PlannedRanks{.ranks = ranks, .of_node = (ranks - 1) / nodes + 1};
}

/// Nothing where no nodes are given.
std::optional<PlannedNodes> planned_nodes(const PlanOptions& options,
                                          const std::optional<PlannedRanks>& planned) {
  const auto read = static_cast<double>(parse_bytes("read-rate", options.read_rate)),
             network = static_cast<double>(parse_bytes("network-rate", options.network_rate));
  if (!options.nodes) return std::nullopt;
  return PlannedNodes{
      .ranks_of_node = planned->of_node, .read_rate = read, .network_rate = network};
}

/// Where the store will lie, and with it what a run needs beside it (optimizer steps, replayed
/// parts). Nothing where no store was named, or its file system is unknown.
void add_place_of_store(const PlanOptions& options, JobCost& cost) {
  const std::string& store = options.decompose.store;
  if (store.empty()) return;
  const std::string words = words_of(file_system_of(store), options.nodes.value_or(1));
  if (words.empty()) return;
  cost.lines.emplace_back("store lies on",
                          words + "; so do the folders that a run needs beside it");
}

void print_cost(JobCost cost, const std::vector<std::pair<std::string, std::string>>& limits) {
  cost.lines.insert(cost.lines.end(), limits.begin(), limits.end());
  fmt::print("{}\n", cost.heading);
  for (const auto& [word, text] : cost.lines) fmt::print("  {:<16}{}\n", word, text);
}

}  // namespace

int run_plan(const PlanOptions& options, const Communicator& world) {
  const DecomposeOptions& wanted = options.decompose;
  const Question question = question_of(wanted);
  require_no_stage(wanted);
  const SubjectName named = subject_of(wanted);
  const std::optional<PlannedRanks> planned = planned_ranks(options, world);
  const std::optional<PlannedNodes> nodes = planned_nodes(options, planned);
  const Allotment share = allotted(world, planned ? planned->of_node : 0);
  const ThreadTeam team(threads_of(wanted.threads, share));
  const Place place = place_of(wanted, world, share, planned);
  std::optional<Subject> subject;
  agree_on_files(world, [&] { subject.emplace(Subject::open(named)); });
  const std::unique_ptr<Job> job = make_job(*subject, question, place);
  agree(world, [&] { subject->require_unused_agree(world.rank(), world.size()); });
  const bool speaks = world.rank() == 0;
  const std::string advice = advice_on_threads(wanted.threads, share);
  if (speaks && !advice.empty()) fmt::print("note: {}\n", advice);
  for (const std::string& note : subject->notes()) {
    if (speaks) fmt::print("note: {}\n", note);
  }
  for (const std::string& note : job->problem().notes) {
    if (speaks) fmt::print("note: {}\n", note);
  }
  const StopFlag never;
  TerminalListener listener;
  std::optional<CheckpointValues> values;
  if (options.losses || options.losses_file) {
    values = show_losses(options, *job, {.stop = never, .listener = listener});
  }
  agree(world, [&] { job->assume(values); });
  JobCost cost =
      job->cost({.evaluations = options.evaluations, .threads = team.used(), .nodes = nodes});
  add_place_of_store(options, cost);
  if (speaks) print_cost(cost, limits_of(*job, share, team.size()));
  if (speaks && nodes) print_scaling(cost.scaling, *nodes, world.size());
  if (speaks) fmt::print("{}", not_checked(*subject));
  return 0;
}

}  // namespace explaind
