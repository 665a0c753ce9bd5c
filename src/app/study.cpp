// explaind study: tables about a recorded run.

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>

#include "app/exactness_table.hpp"
#include "app/output_claims.hpp"
#include "app/stop_signals.hpp"
#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "comm/agree_on_files.hpp"
#include "comm/allotted.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"
#include "model/registry.hpp"
#include "runs/run_files.hpp"
#include "tensors/thread_team.hpp"
#include "training/run_data.hpp"

namespace explaind {
namespace {

std::vector<NamedRule> rules_of(const StudyOptions& options) {
  std::vector<NamedRule> rules;
  for (const std::string& name : options.rules) {
    NamedRule made{.name = name, .rule = {}};
    parse_quadrature(name, made.rule);
    made.rule.relative = options.tolerance;
    made.rule.absolute = options.absolute_tolerance;
    made.rule.first_nodes = static_cast<int>(options.first_nodes);
    made.rule.max_nodes = static_cast<int>(options.max_nodes);
    made.rule.max_kink_nodes = static_cast<int>(options.max_kink_nodes);
    check_quadrature(made.rule);
    rules.push_back(std::move(made));
  }
  if (rules.empty()) throw UsageError("--rules", "the list is empty", "As midpoint:10,adaptive");
  return rules;
}

constexpr const char* study_stop_words =
    "\nStopping after this step; a study that is not done leaves nothing. Ctrl-C again ends at "
    "once.\n";

/// 5 %, 10 %, 20 %, … of the steps.
const std::vector<double> kept_shares{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};

Followed followed_samples(const TrainingData& data, const StudyOptions& options) {
  if (data.validation.size() == 0) {
    throw DataError(options.history, "the run has no validation samples to follow",
                    "Record it with --validation-samples");
  }
  std::vector<int64_t> samples(
      static_cast<size_t>(std::min(options.followed_samples, data.validation.size())));
  std::iota(samples.begin(), samples.end(), 0);
  return {.inputs = network_inputs(data.validation, data.transform, samples, {}, at::kDouble),
          .micro_batch = options.micro_batch};
}

/// What is read before anything is computed.
struct StudyInputs {
  std::unique_ptr<const RecordedRun> run;
  std::unique_ptr<const Model> model;
  TrainingData data;
  Followed followed;
};

StudyInputs read(const StudyOptions& options) {
  StudyInputs job;
  job.run = std::make_unique<const RecordedRun>(RecordedRun::open(options.history));
  job.model = build_model(job.run->description().json["model"],
                          (job.run->directory() / run_files::run).string());
  job.data = load_run_data(*job.run);
  job.followed = followed_samples(job.data, options);
  return job;
}

/// The run's files, whenever they were copied to where they are.
std::string seen(const RecordedRun& run) {
  nlohmann::json files = identify(run, false);
  for (nlohmann::json& file : files) file.erase("modified");
  return files.dump();
}

void write(const StudyOptions& options, const Exactness& study, int64_t samples) {
  StudyOptions copy = options;
  nlohmann::json about = {{"study", "exactness"},
                          {"revision", std::string(revision())},
                          {"samples", samples},
                          {"configuration", nlohmann::json::object()}};
  for (const ResolvedOption& option : resolved(option_table(copy))) {
    about["configuration"][option.key] = option.value;
  }
  if (!options.csv.empty()) write_text_file(options.csv, exactness_csv(study));
  if (!options.json.empty()) {
    write_text_file(options.json, exactness_json(study, about).dump(1) + "\n");
  }
}

}  // namespace

int run_study(const StudyOptions& options, const Communicator& world) {
  if (options.study != "exactness") {
    throw UsageError("study", "unknown study '" + options.study + "'", "Known: exactness");
  }
  ExactnessOptions exactness{
      .rules = rules_of(options), .reports = options.reports, .kept_shares = {}};
  if (options.sparsity) exactness.kept_shares = kept_shares;
  const ThreadTeam team(threads_of(options.threads, allotted(world)));

  const StopFlag& stop =
      stop_on_signals(world.rank() == 0 ? study_stop_words : nullptr, options.grace);
  std::vector<PathClaim> outputs;
  agree(world, [&] {
    if (world.rank() == 0) outputs = claim_outputs({options.csv, options.json});
  });
  StudyInputs job;
  std::unique_ptr<const RunGradients> gradients;
  agree_on_files(world, [&] {
    job = read(options);
    gradients = std::make_unique<const RunGradients>(*job.model, *job.run, job.data);
  });
  require_same_sight(world, options.history, seen(*job.run));
  exactness.steps = std::min(options.steps.value_or(INT64_MAX), job.run->steps());
  const int64_t samples = job.followed.inputs.size(0);
  if (world.rank() == 0) {
    fmt::print("{}: {} of {} parameters, {}; {}; {}\n", options.history,
               job.run->description().json["model"]["name"].get<std::string>(),
               parameter_count(*job.model), counted(exactness.steps, "step"),
               counted(samples, "sample"), counted(world.size(), "rank"));
    std::fflush(stdout);
  }
  const auto begin = std::chrono::steady_clock::now();
  std::unique_ptr<Progress> progress;
  if (world.rank() == 0) progress = std::make_unique<Progress>("study", exactness.steps);
  const Exactness study =
      study_exactness({*job.model, *job.run, *gradients, job.followed}, exactness, world, stop,
                      [&](int64_t) { progress->advance(1); });
  agree(world, [&] {
    if (world.rank() != 0) return;
    progress->finish();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fmt::print("\n{}{} in all, the replay of the training among it\n{}\n", exactness_text(study),
               format_duration(took.count()), team.account());
    write(options, study, samples);
  });
  return static_cast<int>(ExitCode::done);
}

}  // namespace explaind
