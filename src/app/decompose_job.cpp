#include "app/decompose_job.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "app/decompose_parts.hpp"
#include "app/decompose_steps.hpp"
#include "app/parameter_scores.hpp"
#include "app/run_samples.hpp"
#include "core/error.hpp"
#include "model/classifier.hpp"
#include "model/layer_output.hpp"
#include "model/registry.hpp"
#include "model/smoothness.hpp"
#include "optimizer_steps/step_trajectory.hpp"
#include "runs/run_files.hpp"
#include "samples/batch.hpp"
#include "training/run_data.hpp"

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

}  // namespace

TiedHead tied_head_of(const DecomposeOptions& options) {
  return parse_tied_head(options.tied_head.value_or("equal"));
}

void require_unused_agree(const DecomposeJob& job, const DecomposeOptions& options, int rank,
                          int ranks) {
  for (auto i = static_cast<size_t>(rank); job.series && i < job.series->size();
       i += static_cast<size_t>(ranks)) {
    std::map<std::string, TensorView> tensors = job.series->checkpoint(i).tensors();
    if (tied_head_of(options) == TiedHead::embedding) tensors.erase("lm_head.weight");
    require_agreement(*job.network, tensors, job.series->checkpoint(i).directory().string());
  }
}

SolverOptions solver_options(const DecomposeOptions& options) {
  const Rounding rounding = rounding_of(options.precision);
  SolverOptions solver;
  parse_quadrature(options.quadrature, solver.quadrature);
  solver.quadrature.relative = options.tolerance;
  solver.quadrature.absolute = options.absolute_tolerance.value_or(rounding.absolute);
  solver.quadrature.relative_to_gross = options.relative_to == "gross";
  solver.quadrature.first_nodes = static_cast<int>(options.first_nodes.value_or(9));
  solver.quadrature.max_nodes = static_cast<int>(options.max_nodes);
  solver.quadrature.max_kink_nodes = static_cast<int>(options.max_kink_nodes);
  solver.quadrature.epsilon = rounding.epsilon;
  solver.functional = parse_functional(options.functional);
  solver.axes = parse_axes(options.axes);
  solver.group_reduce = options.group_reduce == "sum" ? GroupReduce::sum : GroupReduce::mean;
  solver.chunk = options.chunk;
  solver.micro_batch = options.micro_batch;
  solver.tiles = options.steps != "all" && options.step_policy == "sum" ? 2 : 1;
  return solver;
}

namespace {

std::vector<Sample> samples_of_file(const DecomposeOptions& options, const Network& network,
                                    const std::filesystem::path& tokenizer,
                                    std::vector<std::string>& notes) {
  return load_samples(options.samples,
                      {.vocabulary = network.vocabulary(),
                       .max_length = options.max_length.value_or(network.max_positions()),
                       .truncate = options.truncate,
                       .tokenizer_directory = options.tokenizer.value_or(tokenizer.string())},
                      &notes);
}

void open_series(DecomposeJob& job, const DecomposeOptions& options) {
  job.series = CheckpointSeries::open(options.series, parse_phases(options.phases),
                                      options.source == "steps" ? 1 : 2, tied_head_of(options));
  job.notes = job.series->notes();
  const std::filesystem::path first = job.series->checkpoint(0).directory();
  auto network = build_network(job.series->config(), (first / "config.json").string());
  job.path = std::make_shared<const CheckpointPath>(*job.series, *network);
  job.samples = samples_of_file(options, *network, first, job.notes);
  job.network = network.get();
  job.model = std::move(network);
}

void require_labels(const PredictionData& data, const std::string& where) {
  const auto highest = data.data.labels.max().item<int64_t>();
  if (highest < data.classes) return;
  throw DataError(where,
                  fmt::format("a label is {}, and the model has {} classes", highest, data.classes),
                  "recorded_run.md says what data.safetensors holds");
}

/// Where F is an activation of a classifier: its layer takes the place of the model, its
/// coordinates that of the classes.
void explain_layer(DecomposeJob& job) {
  if (job.solver.functional.kind != Functional::activation || job.solver.functional.positioned) {
    return;
  }
  const at::Tensor input = network_inputs(job.data->data, job.data->transform, {0}, {}, at::kFloat);
  auto layer = std::make_unique<LayerOutput>(*job.model, job.solver.functional.layer, input);
  job.data->classes = layer->coordinates();
  job.layer_output = std::move(layer);
}

/// Samples out of the run's own data, or, for a language model, of a file.
void open_run(DecomposeJob& job, const DecomposeOptions& options) {
  job.run = RecordedRun::open(options.series);
  job.model = build_model(job.run->description().json.at("model"),
                          (job.run->directory() / run_files::run).string());
  job.network = dynamic_cast<const Network*>(job.model.get());
  job.path = std::make_shared<const RunPath>(*job.run, *job.model);
  const std::optional<SampleChoice> choice = parse_sample_choice(options.samples);
  if (!choice && job.network == nullptr) {
    throw UsageError("--samples", "of a classifier's run they come from its own data",
                     "Use validation, train, or some of them as in validation:0:99");
  }
  if (!choice) {
    job.samples = samples_of_file(options, *job.network, job.run->directory(), job.notes);
    return;
  }
  TrainingData all = load_run_data(*job.run);
  Dataset& part = choice->part == "train" ? all.train : all.validation;
  job.samples = choose_samples(*choice, part);
  if (job.network == nullptr) {
    job.data = PredictionData{.data = std::move(part),
                              .transform = all.transform,
                              .classes = dynamic_cast<const Classifier&>(*job.model).classes()};
    require_labels(*job.data, options.series);
    explain_layer(job);
  }
}

/// Axes that this path, or this functional, does not have.
void require_axes(const DecomposeJob& job) {
  const Axes& axes = job.solver.axes;
  const bool steps = job.steps.has_value();
  if (job.series && !steps && (axes.train_sample || axes.train_group)) {
    throw UsageError("--axes",
                     "a series of weights does not say which training sample moved what: the "
                     "optimizer had summed over them before a checkpoint was written",
                     "Leave out train_sample and train_group, or decompose the optimizer's steps "
                     "at the checkpoints (--source steps), which their state allows");
  }
  const bool every_class = job.solver.functional.first == Functional::every_class;
  if (axes.output && !every_class) {
    throw UsageError("--axes",
                     "output is an axis where F is the logit of every class, or every coordinate "
                     "of a layer",
                     "Leave it out, or give --functional logit");
  }
  if (every_class && !axes.output) {
    throw UsageError("--functional",
                     "the logits of all classes, or a layer's coordinates, are an "
                     "output each",
                     "Keep the axis output, or give one class as in logit:3");
  }
  if (job.layer_output && (axes.train_sample || axes.train_group)) {
    throw UsageError("--axes", "training samples of a classifier explain its logits and its loss",
                     "Leave out the training axis, or use another --functional");
  }
}

void require_possible(const DecomposeJob& job, const DecomposeOptions& options) {
  require_axes(job);
  const Functional& functional = job.solver.functional;
  if (job.network != nullptr) {
    const int64_t width =
        job.model->parameters()[static_cast<size_t>(job.network->unembedding())].shape.at(1);
    require_of_language_model(functional, job.network->vocabulary(), job.network->blocks(), width);
    for (const Sample& sample : job.samples) {  // before a store is made: it has that position
      if (functional.positioned) static_cast<void>(make_micro_batch({&sample, 1}, functional));
    }
    return;
  }
  require_of_classifier(functional, job.data->classes);
  if (job.solver.axes.position) {
    throw UsageError("--axes", "position is an axis of language models", "Leave it out");
  }
  if (parse_source(options.parameters).value_or(Source::resident) != Source::resident) {
    throw UsageError("--parameters", "a classifier's are resident: it is no chain of blocks",
                     "Leave it out");
  }
  if (options.product_form == "split") {
    throw UsageError("--product-form", "products are split in chains of blocks only", "Use formed");
  }
}

}  // namespace

void DecomposeJob::set_segments(const std::vector<PointPair>& pairs, bool piecewise) {
  std::vector<PointPair> straight;
  pieces.clear();
  for (const PointPair& pair : pairs) {
    const auto first = static_cast<int64_t>(straight.size());
    for (size_t point = pair.from; piecewise && point < pair.to; ++point) {
      straight.push_back({point, point + 1});
    }
    if (!piecewise) straight.push_back(pair);
    pieces.push_back({first, static_cast<int64_t>(straight.size())});
  }
  trajectory = std::make_unique<PathTrajectory>(path, std::move(straight), parts);
  units = UnitGrid(static_cast<int64_t>(pieces.size()), static_cast<int64_t>(samples.size()),
                   solver.chunk, solver.axes.sample);
}

void DecomposeJob::set_steps() {
  pieces.clear();
  for (int64_t i = 0; i < static_cast<int64_t>(path->size()); ++i) pieces.push_back({i, i + 1});
  trajectory =
      std::make_unique<StepTrajectory>(path, static_cast<int64_t>(solver.directions.size()),
                                       std::vector<std::shared_ptr<const StepFile>>{});
  units = UnitGrid(static_cast<int64_t>(pieces.size()), static_cast<int64_t>(samples.size()),
                   solver.chunk, solver.axes.sample);
}

DecomposeJob prepare_job(const DecomposeOptions& options, const Device& device) {
  DecomposeJob job;
  job.solver = solver_options(options);
  job.computation.device = device;
  job.computation.precision = parse_precision(options.precision);
  if (options.value_precision == "fp64" && options.precision != "fp64") {
    job.computation.values = parse_precision("fp64");
  }
  require_device(job.computation);
  is_recorded_run(options.series) ? open_run(job, options) : open_series(job, options);
  if (options.source == "steps") {
    if (!job.series) {
      throw UsageError("--source steps", "is of a series of checkpoints with optimizer state",
                       "A recorded run's segments are its optimizer's steps already");
    }
    open_steps(job, options);
  }
  require_possible(job, options);
  QuadratureOptions& quadrature = job.solver.quadrature;
  quadrature.smoothness = smoothness_of(job.explained());
  if (!options.first_nodes && quadrature.smoothness == Smoothness::smooth) {
    quadrature.first_nodes = 5;
  }
  open_parts(job, options);
  job.groups = group_samples(job.samples);
  if (job.network != nullptr) {
    job.computation.form = choose_product_form(
        options.product_form, largest_micro_batch(job.samples, job.solver.micro_batch));
  } else {
    job.solver.outputs = ClassOutputs::count(job.solver.functional, job.data->classes);
  }
  for (const Sample& sample : job.samples) {
    job.solver.positions =
        std::max(job.solver.positions, static_cast<int64_t>(sample.input_ids.size()));
  }
  job.dense = keeps_parameters(options);
  job.components =
      ComponentTable(job.dense ? Granularity::tensor : parse_granularity(options.component),
                     job.model->parameters());
  if (job.steps) {
    job.set_steps();
  } else {
    job.set_segments(neighbours(job.path->size()));
  }
  return job;
}

Workspace workspace_of(const DecomposeJob& job, const Trajectory& trajectory,
                       const MemoryPlan& memory, Collectives& group) {
  if (job.network != nullptr) {
    return {*job.network,   job.solver.functional, trajectory,
            job.components, job.computation,       memory,
            group};
  }
  return {job.explained(),
          *job.data,
          job.solver.functional,
          trajectory,
          job.components,
          job.computation,
          Share{group.rank(), group.size()}};
}

DecomposeOptions decided(const DecomposeOptions& options, const DecomposeJob& job) {
  DecomposeOptions copy = options;
  copy.product_form = to_string(job.computation.form);
  copy.first_nodes = job.solver.quadrature.first_nodes;
  copy.value_precision = job.computation.values ? "fp64" : "same";
  if (!job.parts || job.run) copy.decay = {};  // decide nothing
  return copy;
}

StoreSchema schema_of(const DecomposeJob& job, const DecomposeOptions& options) {
  StoreSchema schema;
  for (const PieceRange& pieces : job.pieces) {
    schema.step_from.push_back(job.trajectory->step_from(pieces.first));
    schema.step_to.push_back(job.trajectory->step_to(pieces.last - 1));
  }
  for (const Sample& sample : job.samples) {
    schema.sample_ids.push_back(sample.id);
    schema.sample_groups.push_back(sample.group);
    if (job.network != nullptr) {
      schema.sample_lengths.push_back(static_cast<int64_t>(sample.input_ids.size()));
    }
  }
  schema.group_names = job.groups.names;
  schema.components = job.components;
  schema.dense = job.dense;
  schema.sums_of_steps =
      job.dense && std::any_of(job.pieces.begin(), job.pieces.end(), [](const PieceRange& pieces) {
        return pieces.last > pieces.first + 1;
      });
  schema.balance = keeps_balance(job);
  schema.axes = job.solver.axes;
  for (int64_t i = 0; schema.axes.output && i < job.solver.outputs; ++i) {
    schema.outputs.push_back(std::to_string(i));
  }
  schema.positions = job.solver.positions;
  schema.units = job.units;
  schema.single_precision = options.store_dtype == "f32";
  schema.parts = job.kept_parts;
  if (job.steps) describe_steps(job, schema);
  if (job.solver.outputs == 1) schema.left_out = job.left_out;  // of every output: printed alone
  schema.curve = job.curve;
  schema.functional = options.functional;
  schema.functional_unit = job.solver.functional.kind == Functional::activation ? "1" : "nat";
  return schema;
}

}  // namespace explaind
