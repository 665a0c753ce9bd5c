#include "app/decompose_job.hpp"

#include <algorithm>
#include <filesystem>

namespace explaind {
namespace {

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

}  // namespace

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

DecomposeJob prepare_job(const DecomposeOptions& options) {
  DecomposeJob job(CheckpointSeries::open(options.series, parse_phases(options.phases)));
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

StoreSchema schema_of(const DecomposeJob& job, const DecomposeOptions& options) {
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
  schema.left_out = job.left_out;
  schema.curve = job.curve;
  schema.functional = options.functional;
  schema.functional_unit = "nat";
  return schema;
}

}  // namespace explaind
