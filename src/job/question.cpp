#include "job/question.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "config/windows.hpp"
#include "core/error.hpp"
#include "quadrature/plan.hpp"
#include "samples/functional.hpp"

namespace explaind {
namespace {

/// Constants of the compute precision. epsilon: relative rounding of one directional derivative;
/// absolute: what is left of a loss in nats.
struct RoundingOf {
  double epsilon, absolute;
};

RoundingOf rounding_of(const std::string& precision) {
  if (precision == "fp64") return {.epsilon = 2.220446049250313e-16, .absolute = 1e-12};
  if (precision == "tf32") return {.epsilon = 4.8828125e-4, .absolute = 4e-5};
  if (precision == "bf16") return {.epsilon = 3.90625e-3, .absolute = 3e-4};
  return {.epsilon = 1.1920929e-7, .absolute = 3e-8};
}

SolverOptions solver_options(const DecomposeOptions& options) {
  const RoundingOf rounding = rounding_of(options.precision);
  SolverOptions solver;
  parse_quadrature(options.quadrature, solver.quadrature);
  solver.quadrature.relative = options.tolerance;
  solver.quadrature.absolute = options.absolute_tolerance.value_or(rounding.absolute);
  solver.quadrature.relative_to_gross = options.relative_to == "gross";
  solver.quadrature.first_nodes = static_cast<int>(options.first_nodes.value_or(9));
  solver.quadrature.max_nodes = static_cast<int>(options.max_nodes);
  solver.quadrature.max_kink_nodes = static_cast<int>(options.max_kink_nodes);
  solver.quadrature.epsilon = rounding.epsilon;
  // "auto": of minimal pairs another one (problem.cpp).
  solver.functional = parse_functional(options.functional == "auto" ? "loss" : options.functional);
  solver.axes = parse_axes(options.axes);
  solver.group_reduce = options.group_reduce == "sum" ? GroupReduce::sum : GroupReduce::mean;
  solver.chunk = options.chunk;
  solver.micro_batch = options.micro_batch;
  solver.tiles = options.steps != "all" && options.step_policy == "sum" ? 2 : 1;
  return solver;
}

std::vector<Part> parse_parts(const std::vector<std::string>& words) {
  std::vector<Part> parts;
  for (const std::string& word : words) {
    const Part part = word == "decay"      ? Part::decay
                      : word == "rounding" ? Part::rounding
                      : word == "data"     ? Part::data
                                           : Part::momentum;
    if (part == Part::momentum) {
      throw UsageError("--parts", "unknown value '" + word + "'", "Use decay, rounding or data");
    }
    if (std::find(parts.begin(), parts.end(), part) != parts.end()) {
      throw UsageError("--parts", word + " stands twice", "Name it once");
    }
    parts.push_back(part);
  }
  return parts;
}

std::optional<StepQuestion> step_question(const DecomposeOptions& options) {
  if (options.source != "steps") {
    if (!options.training_batch.empty()) {
      throw UsageError("--training-batch", "belongs to the steps of an optimizer",
                       "Give --source steps, or leave it out");
    }
    return std::nullopt;
  }
  if (options.training_batch.empty()) {
    throw UsageError("--source steps", "needs the training batch of the steps",
                     "Name it with --training-batch FILE.jsonl");
  }
  if (!options.batch_mean) {
    throw UsageError("--source steps", "needs to know what the training's loss was",
                     "Give --batch-mean tokens (the mean over all predicted tokens of the batch) "
                     "or samples (the mean over samples)");
  }
  const auto mean = parse_batch_mean(*options.batch_mean);
  if (!options.clip) {
    throw UsageError("--source steps", "needs to know how the training clipped its gradients",
                     "Give --clip NORM, the largest norm (1 in Trainer unless set), or 0 for none");
  }
  if (options.steps != "all") {
    throw UsageError("--steps", "chooses among segments between checkpoints",
                     "With --source steps name the checkpoints in a list as --series");
  }
  return StepQuestion{.mean = mean,
                      .max_norm = *options.clip,
                      .z_loss = options.z_loss.value_or(0),
                      .arithmetic = options.step_precision == "fp64" ? at::kDouble : at::kFloat};
}

constexpr const char* scalars_option = "--component parameter";

void require_axes_of_scalars(const Axes& axes) {
  if (axes.position) {
    throw UsageError(scalars_option, "has no positions: a scalar's gradient is a sum over them",
                     "Leave position out of --axes, or use --component row");
  }
  if (axes.train_sample || axes.train_group) {
    throw UsageError(scalars_option, "has no training axis",
                     "Leave train_sample and train_group out of --axes, or use another component");
  }
}

/// What does not go with scores of single scalars.
void require_options_of_scalars(const DecomposeOptions& options) {
  if (options.component != "parameter") return;
  require_axes_of_scalars(parse_axes(options.axes));
  if (options.source == "steps") {
    throw UsageError(scalars_option, "is of weights, not of an optimizer's step in its parts",
                     "Use --source weights, or another component");
  }
  if (!options.parts.empty()) {
    throw UsageError("--parts", "are not told apart for single scalars",
                     "Use another component for them; of a recorded run of AdamW the variable "
                     "balance compares data with decay, scalar by scalar");
  }
  if (options.parameters == "streamed" || options.parameters == "gathered") {
    throw UsageError("--parameters", "single scalars need the whole model in memory",
                     "Use auto or resident, or --component row");
  }
  if (options.precision != "fp32" && options.precision != "fp64") {
    throw UsageError("--precision", "gradients of single scalars are formed in fp32 or fp64",
                     "Use one of them");
  }
  if (options.device == "cuda") {
    throw UsageError("--device", "scores of single scalars are computed by the processor",
                     "Use cpu");
  }
}

void require_stage_options(const DecomposeOptions& options) {
  if (!options.stage && !options.stage_command) return;
  if (!options.stage || !options.stage_command) {
    throw UsageError(options.stage ? "--stage" : "--stage-command",
                     "goes with " + std::string(options.stage ? "--stage-command" : "--stage"),
                     "Give both: the folder, and the command that brings a checkpoint into it");
  }
  if (options.source == "steps") {
    throw UsageError("--stage",
                     "is of weights, and --source steps forms a step at every checkpoint "
                     "before it begins",
                     "Leave one of them out");
  }
  if (options.hash_inputs) {
    throw UsageError("--hash-inputs", "reads all checkpoints, and --stage brings them one by one",
                     "Leave one of them out");
  }
  static_cast<void>(FetchCommand(*options.stage_command));
}

bool bridges_configs(const DecomposeOptions& options) {
  if (!options.bridge) return false;
  if (*options.bridge == "config") return true;
  throw UsageError("--bridge", "'" + *options.bridge + "' is not known",
                   "Use config, or leave it out");
}

}  // namespace

Question question_of(const DecomposeOptions& options) {
  Question question;
  question.written = options;
  question.steps = StepSelection::parse(options.steps);
  question.step_policy = parse_step_policy(options.step_policy);
  question.bridges_configs = bridges_configs(options);
  require_stage_options(options);
  question.step = step_question(options);
  require_windows(options.window, options.stride);
  if (options.window && options.truncate) {
    throw UsageError("--window", "keeps what --truncate cuts off", "Give one of them");
  }
  require_options_of_scalars(options);
  question.scalars = options.component == "parameter";
  question.component =
      question.scalars ? Granularity::tensor : parse_granularity(options.component);
  question.parts = parse_parts(options.parts);
  question.solver = solver_options(options);
  static_cast<void>(make_plan(question.solver.quadrature, 1, 1, true));
  question.by_step_applied = options.step_index == "applied";
  question.precision = parse_precision(options.precision);
  if (options.value_precision == "fp64" && options.precision != "fp64") {
    question.values = parse_precision("fp64");
  }
  question.single_precision = options.store_dtype == "f32";
  return question;
}

void require_no_stage(const DecomposeOptions& options) {
  if (!options.stage && !options.stage_command) return;
  throw UsageError(
      "--stage", "brings checkpoints while they are decomposed, and not here",
      "Leave it out, and name checkpoints that are there with --series (for a plan two "
      "of them do)");
}

SubjectName subject_of(const DecomposeOptions& options) {
  return {.path = options.series,
          .names = name_rules(options.phases, options.series_seed, options.step_pattern),
          .tied_head = parse_tied_head(options.tied_head.value_or("equal")),
          .optimizer_steps = options.source == "steps"};
}

}  // namespace explaind
