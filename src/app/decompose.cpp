// explaind decompose: the main job. Checkpoint series + samples → influence store, by all ranks.

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "app/closing_table.hpp"
#include "app/provenance.hpp"
#include "app/verbs.hpp"
#include "checkpoint/convert.hpp"
#include "checkpoint/series.hpp"
#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/revision.hpp"
#include "decomposition/run.hpp"
#include "decomposition/trajectory.hpp"
#include "model/network.hpp"
#include "store/influence_store.hpp"
#include "store/store_reader.hpp"

namespace explaind {
namespace {

/// Everything that the units are computed from; the same on every rank.
struct Job {
  explicit Job(CheckpointSeries opened) : series(std::move(opened)) {}

  CheckpointSeries series;
  std::unique_ptr<Network> network;
  std::vector<Sample> samples;
  Groups groups;
  std::unique_ptr<Trajectory> trajectory;
  ComponentTable components;
  SolverOptions solver;
  UnitGrid units;
  at::ScalarType type = at::kFloat;
};

/// Constants of the compute precision. epsilon: relative rounding of one directional derivative;
/// absolute: what is left of a loss in nats.
struct Precision {
  at::ScalarType type;
  double epsilon, absolute;
};

Precision precision_of(const std::string& name) {
  if (name == "fp64") return {at::kDouble, 2.220446049250313e-16, 1e-12};
  return {at::kFloat, 1.1920929e-7, 3e-8};
}

SolverOptions solver_options(const DecomposeOptions& options) {
  const Precision precision = precision_of(options.precision);
  SolverOptions solver;
  parse_quadrature(options.quadrature, solver.quadrature);
  solver.quadrature.relative = options.tolerance;
  solver.quadrature.absolute = options.absolute_tolerance.value_or(precision.absolute);
  solver.quadrature.relative_to_gross = options.relative_to == "gross";
  solver.quadrature.max_nodes = static_cast<int>(options.max_nodes);
  solver.quadrature.max_kink_nodes = static_cast<int>(options.max_kink_nodes);
  solver.quadrature.epsilon = precision.epsilon;
  solver.functional = parse_functional(options.functional);
  solver.axes = parse_axes(options.axes);
  solver.group_reduce = options.group_reduce == "sum" ? GroupReduce::sum : GroupReduce::mean;
  solver.chunk = options.chunk;
  solver.micro_batch = options.micro_batch;
  return solver;
}

Job prepare(const DecomposeOptions& options) {
  Job job(CheckpointSeries::open(options.series));
  const std::filesystem::path first = job.series.checkpoint(0).directory();
  job.network = build_network(job.series.config(), (first / "config.json").string());
  job.trajectory = std::make_unique<CheckpointTrajectory>(job.series, *job.network);
  job.solver = solver_options(options);
  job.type = precision_of(options.precision).type;
  job.samples = load_samples(
      options.samples, {.vocabulary = job.network->vocabulary(),
                        .max_length = options.max_length.value_or(job.network->max_positions()),
                        .truncate = options.truncate,
                        .tokenizer_directory = options.tokenizer.value_or(first.string())});
  job.groups = group_samples(job.samples);
  for (const Sample& sample : job.samples) {
    job.solver.positions =
        std::max(job.solver.positions, static_cast<int64_t>(sample.input_ids.size()));
  }
  job.components = ComponentTable(parse_granularity(options.component), job.network->parameters());
  job.units = UnitGrid(job.trajectory->segments(), static_cast<int64_t>(job.samples.size()),
                       job.solver.chunk, job.solver.axes.sample);
  return job;
}

StoreSchema schema_of(const Job& job, const DecomposeOptions& options) {
  StoreSchema schema;
  for (int64_t s = 0; s < job.trajectory->segments(); ++s) {
    schema.step_from.push_back(job.trajectory->step_from(s));
    schema.step_to.push_back(job.trajectory->step_to(s));
  }
  for (const Sample& sample : job.samples) {
    schema.sample_ids.push_back(sample.id);
    schema.sample_groups.push_back(sample.group);
  }
  schema.group_names = job.groups.names;
  schema.components = job.components;
  schema.axes = job.solver.axes;
  schema.positions = job.solver.positions;
  schema.units = job.units;
  schema.single_precision = options.store_dtype == "f32";
  schema.functional = options.functional;
  schema.functional_unit = "nat";
  return schema;
}

void print_plan(const Job& job, const DecomposeOptions& options, const Communicator& world) {
  DecomposeOptions copy = options;
  std::cout << "Configuration\n";
  for (const ResolvedOption& option : resolved(option_table(copy))) {
    if (option.value.empty()) continue;
    fmt::print("  {:<20} {}\n", option.key, option.value);
  }
  int64_t elements = 0;
  for (const ParameterInfo& parameter : job.network->parameters()) {
    int64_t size = 1;
    for (const int64_t length : parameter.shape) size *= length;
    elements += size;
  }
  fmt::print(
      "\n{} checkpoints of {} parameters in {} tensors; {} samples of up to {} tokens\n"
      "{} components × {} samples × {} segments in {} units on {} rank{}, revision {}\n",
      job.series.size(), elements, job.network->parameters().size(), job.samples.size(),
      job.solver.positions, job.components.size(), job.samples.size(), job.trajectory->segments(),
      job.units.size(), world.size(), world.size() == 1 ? "" : "s", revision());
  std::cout.flush();
}

/// Reads every weight once, each rank its share of the checkpoints, before a store is made: a run
/// should not end on a NaN after hours.
void require_finite_weights(const Job& job, const Communicator& world) {
  for (size_t i = static_cast<size_t>(world.rank()); i < job.series.size();
       i += static_cast<size_t>(world.size())) {
    const Checkpoint& checkpoint = job.series.checkpoint(i);
    for (const ParameterInfo& parameter : job.network->parameters()) {
      require_finite(checkpoint.tensor(parameter.name), checkpoint.directory().string());
    }
  }
}

/// The loop over units: no collective over the world inside, since ranks do different numbers of
/// units.
bool run_all(const Job& job, const DecomposeOptions& options, const StoreSchema& schema,
             const Communicator& world) {
  const Communicator alone = Communicator::self();
  std::optional<StoreWriter> writer;
  agree(world, [&] { writer.emplace(options.store, schema, alone); });
  ResidentParameters parameters(*job.network, *job.trajectory, job.type);
  NodeMajorSweep sweep(*job.network, parameters, job.components);
  const UnitSolver solver(job.components, job.samples, job.groups, job.solver);
  std::optional<Progress> progress;
  if (world.rank() == 0) progress.emplace("decompose", job.units.size());
  stop_on_signals();
  Dispatcher dispatcher(world, job.units.size(),
                        [&](int64_t, int, const std::string& note) { progress->advance(1, note); });
  run_units(dispatcher, job.units, parameters, sweep, solver,
            [&](const ScoreTile& tile) { writer->write(tile); });
  dispatcher.finish();
  if (progress) progress->finish();
  agree(world, [&] { writer->close(); });
  return dispatcher.stopped();
}

}  // namespace

int run_decompose(const DecomposeOptions& options, const Communicator& world) {
  const auto start = std::chrono::steady_clock::now();
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  // What command line and INI decide alone is refused before any file is touched.
  static_cast<void>(make_plan(solver_options(options).quadrature, 1, 1, true));
  std::optional<Job> prepared;
  agree(world, [&] { prepared.emplace(prepare(options)); });
  const Job& job = *prepared;
  agree(world, [&] { require_finite_weights(job, world); });
  StoreSchema schema = schema_of(job, options);
  const std::string hosts = gather_hosts(world);
  if (world.rank() == 0) print_plan(job, options, world);
  agree(world, [&] {
    if (world.rank() != 0) return;
    schema.provenance = provenance(options, job.series, hosts, world.size());
    schema.run_log_line = run_log_line(world.size());
    create_store(options.store, schema, options.overwrite);
  });
  if (run_all(job, options, schema, world)) {
    if (world.rank() == 0) {
      fmt::print("\nStopped on request; finished units are in {}\n", options.store);
    }
    return static_cast<int>(ExitCode::stopped);
  }
  std::string code = "0";
  if (world.rank() == 0) {
    const Certificates found = print_closing_table(StoreReader(options.store), std::cout);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("\nWrote {} in {}\n", options.store, format_duration(seconds.count()));
    if (found.missed > 0) {
      code = std::to_string(static_cast<int>(ExitCode::tolerance_missed));
    }
  }
  world.broadcast(code, 0);
  return std::stoi(code);
}

}  // namespace explaind
