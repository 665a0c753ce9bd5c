#include "app/decompose_job.hpp"

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"

namespace explaind {
namespace {

/// Constants of the compute precision. epsilon: relative rounding of one directional derivative;
/// absolute: what is left of a loss in nats.
struct Rounding {
  double epsilon, absolute;
};

Rounding rounding_of(const std::string& precision) {
  if (precision == "fp64") return {.epsilon = 2.220446049250313e-16, .absolute = 1e-12};
  if (precision == "tf32") return {.epsilon = 4.8828125e-4, .absolute = 4e-5};
  if (precision == "bf16") return {.epsilon = 3.90625e-3, .absolute = 3e-4};
  return {.epsilon = 1.1920929e-7, .absolute = 3e-8};
}

/// Axes that a series of weights and functionals of one number do not have.
void require_axes(const Axes& axes) {
  if (axes.train_sample || axes.train_group) {
    throw UsageError("--axes",
                     "a series of weights does not say which training sample moved what: the "
                     "optimizer had summed over them before the checkpoint was written",
                     "Leave out train_sample and train_group");
  }
  if (axes.output) {
    throw UsageError("--axes", "this functional is one number a sample: there is no output axis",
                     "Leave out output");
  }
}

}  // namespace

SolverOptions solver_options(const DecomposeOptions& options) {
  const Rounding rounding = rounding_of(options.precision);
  SolverOptions solver;
  parse_quadrature(options.quadrature, solver.quadrature);
  solver.quadrature.relative = options.tolerance;
  solver.quadrature.absolute = options.absolute_tolerance.value_or(rounding.absolute);
  solver.quadrature.relative_to_gross = options.relative_to == "gross";
  solver.quadrature.max_nodes = static_cast<int>(options.max_nodes);
  solver.quadrature.max_kink_nodes = static_cast<int>(options.max_kink_nodes);
  solver.quadrature.epsilon = rounding.epsilon;
  solver.functional = parse_functional(options.functional);
  solver.axes = parse_axes(options.axes);
  require_axes(solver.axes);
  solver.group_reduce = options.group_reduce == "sum" ? GroupReduce::sum : GroupReduce::mean;
  solver.chunk = options.chunk;
  solver.micro_batch = options.micro_batch;
  return solver;
}

DecomposeJob prepare_job(const DecomposeOptions& options, const Device& device) {
  DecomposeJob job(CheckpointSeries::open(options.series, parse_phases(options.phases)));
  const std::filesystem::path first = job.series.checkpoint(0).directory();
  job.network = build_network(job.series.config(), (first / "config.json").string());
  job.trajectory = std::make_unique<CheckpointTrajectory>(job.series, *job.network);
  job.solver = solver_options(options);
  job.computation.device = device;
  job.computation.precision = parse_precision(options.precision);
  require_device(job.computation);
  job.samples = load_samples(
      options.samples, {.vocabulary = job.network->vocabulary(),
                        .max_length = options.max_length.value_or(job.network->max_positions()),
                        .truncate = options.truncate,
                        .tokenizer_directory = options.tokenizer.value_or(first.string())});
  job.groups = group_samples(job.samples);
  job.computation.form = choose_product_form(
      options.product_form, largest_micro_batch(job.samples, job.solver.micro_batch));
  for (const Sample& sample : job.samples) {
    job.solver.positions =
        std::max(job.solver.positions, static_cast<int64_t>(sample.input_ids.size()));
  }
  job.components = ComponentTable(parse_granularity(options.component), job.network->parameters());
  job.units = UnitGrid(job.trajectory->segments(), static_cast<int64_t>(job.samples.size()),
                       job.solver.chunk, job.solver.axes.sample);
  return job;
}

DecomposeOptions decided(const DecomposeOptions& options, const DecomposeJob& job) {
  DecomposeOptions copy = options;
  copy.product_form = to_string(job.computation.form);
  return copy;
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
