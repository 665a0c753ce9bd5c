// explaind decompose: the main job. A subject and samples → influence store, by all ranks.

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/closing_table.hpp"
#include "app/listening.hpp"
#include "app/not_checked.hpp"
#include "app/output_claims.hpp"
#include "app/stop_signals.hpp"
#include "app/verbs.hpp"
#include "comm/agree_on_files.hpp"
#include "comm/allotted.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/revision.hpp"
#include "job/applicable_options.hpp"
#include "job/contradictions.hpp"
#include "job/stored_job.hpp"
#include "machine/file_system.hpp"
#include "store/store_reader.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

constexpr const char* stop_words =
    "\nStopping: the units in work are finished and kept; the same command with --resume goes on. "
    "Ctrl-C again ends at once.\n";

void print_configuration(const Job& job) {
  DecomposeOptions options = decided(job.problem());
  std::cout << "Configuration\n";
  for (const ResolvedOption& option : resolved(option_table(options))) {
    if (option.value.empty() || !applies(option.key, job.problem())) continue;
    fmt::print("  {:<20} {}\n", option.key, option.value);
  }
}

void print_job(const Job& job) {
  print_configuration(job);
  const Problem& problem = job.problem();
  const MemoryPlan& memory = job.memory();
  const ChosenDevice& device = job.place().device;
  fmt::print(
      "\n{} {} of {} parameters in {}; {}{}\n"
      "{} × {} × {} in {}, revision {}\n"
      "{} of {} ({}), parameters {}, up to {} of memory a rank\n"
      "device {} ({})",
      problem.path().size(), problem.run() ? "points of a recorded run" : "checkpoints",
      parameter_count(problem.model()), counted(problem.model().parameters().size(), "tensor"),
      counted(problem.samples.size(), "sample"),
      problem.network() != nullptr ? " of up to " + counted(problem.solver.positions, "token") : "",
      counted(problem.components.size(), "component"), counted(problem.samples.size(), "sample"),
      counted(problem.pieces.size(), "segment"), counted(problem.units.size(), "unit"), revision(),
      counted(job.grid().segment_groups(), "segment group"), counted(job.grid().shards(), "rank"),
      job.grid_choice().reason, to_string(memory.source),
      format_bytes(static_cast<double>(memory.total())), device.device.is_cuda() ? "cuda" : "cpu",
      device.reason);
  if (memory.dense > 0) {
    fmt::print(", {} of it for {} scalars", format_bytes(static_cast<double>(memory.dense)),
               parameter_count(problem.model()));
  }
  if (memory.on_device) {
    fmt::print(", up to {} of its memory",
               format_bytes(static_cast<double>(memory.device_total())));
  }
  fmt::print("\n");
  for (const std::string& note : problem.subject.notes()) fmt::print("note: {}\n", note);
  for (const std::string& note : problem.notes) fmt::print("note: {}\n", note);
  fmt::print("{}", not_checked(problem.subject));
  std::cout.flush();
}

/// What a store says of itself once it is whole. Returns the exit code.
ExitCode print_end(const Job& job, const std::string& path) {
  const StoreReader stored(path);
  const Certificates found = print_closing_table(stored, std::cout);
  const Problem& problem = job.problem();
  if (problem.run()) {
    print_contradictions(stored, problem.path(), *problem.trajectory, problem.model(), std::cout);
  }
  return found.missed > 0 ? ExitCode::tolerance_missed : ExitCode::done;
}

/// Says what the store's file system asks of ranks on several machines. @collective
void note_place_of(const StoreName& store, const Communicator& world) {
  const int64_t first = world.on_host().rank == 0 ? 1 : 0;  // of its machine
  int64_t machines = 0;
  for (const auto& of_rank : world.all_gather(std::vector<int64_t>{first})) machines += of_rank[0];
  const FileSystem files = file_system_of(store.path);
  if (world.rank() == 0 && worth_a_note(files, machines)) {
    fmt::print("note: the store lies on {}\n", words_of(files, machines));
  }
}

}  // namespace

int run_decompose(const DecomposeOptions& options, const Communicator& world) {
  const auto start = std::chrono::steady_clock::now();
  const Allotment share = allotted(world);
  const ThreadTeam team(threads_of(options.threads, share));
  // What command line and INI decide alone is refused before any file is touched.
  const Question question = question_of(options);
  SubjectName named = subject_of(options);
  const StoreName store{.path = options.store,
                        .overwrite = options.overwrite,
                        .resume = options.resume,
                        .other_build = options.other_build};
  require_sensible(store);
  const StopFlag& stop = stop_on_signals(world.rank() == 0 ? stop_words : nullptr, options.grace);
  const Place place = place_of(options, world, share);
  TerminalListener listener;
  if (options.stage) {
    named.stage =
        std::make_shared<Stage>(StageName{*options.stage, *options.stage_command, named.tied_head},
                                named.path, named.names, world, stop, listener);
  }
  std::optional<Subject> subject;
  agree_on_files(world, [&] { subject.emplace(Subject::open(named)); });
  const std::unique_ptr<Job> job = make_job(*subject, question, place);
  StoredJob stored(*job, store, spoken_wait(), {.stop = stop, .listener = listener});
  // Only now: whoever reads the configuration knows that it was not refused.
  if (world.rank() == 0) print_job(*job);
  const std::string advice = advice_on_threads(options.threads, share);
  if (world.rank() == 0 && !advice.empty()) fmt::print("note: {}\n", advice);
  note_place_of(store, world);
  const JobEnd end = stored.run();
  if (end.stopped) {
    if (world.rank() == 0) {
      fmt::print("\nStopped on request; finished units are in {}, --resume goes on\n", store.path);
    }
    return static_cast<int>(ExitCode::stopped);
  }
  if (named.stage) named.stage->clear();
  std::string code;
  agree(world, [&] {
    if (world.rank() != 0) return;
    code = std::to_string(static_cast<int>(print_end(*job, store.path)));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("\nWrote {} in {}\n{}{}\n", store.path, format_duration(seconds.count()),
               end.account.empty() ? "" : end.account + "\n", team.account());
  });
  world.broadcast(code, 0);
  return std::stoi(code);
}

}  // namespace explaind
