#include "job/problem.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/error.hpp"
#include "job/config_changes.hpp"
#include "job/formed_steps.hpp"
#include "job/parts.hpp"
#include "job/possible.hpp"
#include "job/run_samples.hpp"
#include "job/staged_parameters.hpp"
#include "model/classifier.hpp"
#include "model/layer_output.hpp"
#include "model/smoothness.hpp"
#include "optimizer_steps/step_trajectory.hpp"
#include "planner/switched_workspace.hpp"
#include "samples/batch.hpp"
#include "solver/sample_rows.hpp"
#include "training/run_data.hpp"

namespace explaind {
namespace {

/// How samples that predict or train are read from a file.
SampleOptions file_options(const Problem& problem) {
  const DecomposeOptions& written = problem.question.written;
  const Network& network = *problem.network();
  if (network.positions_end() && written.max_length.value_or(0) > network.max_positions()) {
    throw UsageError("--max-length",
                     fmt::format("is {}, and the model has positions for {} tokens",
                                 *written.max_length, network.max_positions()),
                     fmt::format("Give at most {}", network.max_positions()));
  }
  return {.vocabulary = network.vocabulary(),
          .max_length = written.max_length.value_or(network.max_positions()),
          .truncate = written.truncate,
          .tokenizer_directory = written.tokenizer.value_or(problem.subject.tokenizer_folder())};
}

/// Samples that predict; a batch that trains is never cut into windows, which would be another.
std::vector<Sample> predictions_of_file(Problem& problem) {
  const DecomposeOptions& written = problem.question.written;
  SampleOptions options = file_options(problem);
  if (written.window) {
    if (*written.window > options.max_length) {
      throw UsageError(
          "--window",
          fmt::format("is {}, and samples have at most {} tokens", *written.window,
                      options.max_length),
          fmt::format("Give at most {}{}", options.max_length,
                      problem.network()->positions_end() ? "" : ", or raise --max-length"));
    }
    options.window = *written.window;
    options.stride = *written.stride;
  }
  return load_samples(written.samples, options, &problem.notes);
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
void explain_layer(Problem& problem) {
  const std::string weight = problem.solver.functional->layer();
  if (weight.empty()) return;
  const at::Tensor input =
      network_inputs(problem.data->data, problem.data->transform, {0}, {}, at::kFloat);
  auto layer = std::make_unique<LayerOutput>(problem.model(), weight, input);
  problem.data->classes = layer->coordinates();
  problem.layer_output = std::move(layer);
}

/// F where it was left open, and whether it is one that these samples have.
void choose_functional(Problem& problem) {
  std::string& word = problem.question.written.functional;
  const bool pairs = !problem.samples.empty() && !problem.samples.front().against.empty();
  if (word == "auto") {
    word = pairs ? "logprob_diff" : "loss";
    problem.solver.functional = parse_functional(word);
  }
  if (problem.solver.functional->of_pairs() == pairs) return;
  if (!pairs) {
    throw UsageError("--functional",
                     "logprob_diff is of minimal pairs (good and bad), and these samples are none",
                     "Leave it out for the loss, or give --samples with pairs");
  }
  throw UsageError("--functional",
                   fmt::format("'{}' has no value of a minimal pair, whose F is the difference of "
                               "two log-probabilities",
                               word),
                   "Leave it out, or give logprob_diff; of single sentences give them as text");
}

/// Samples out of a run's own data, or, for a language model, of a file.
void open_samples(Problem& problem) {
  const std::string& named = problem.question.written.samples;
  const std::optional<SampleChoice> choice =
      problem.run() ? parse_sample_choice(named) : std::nullopt;
  if (!choice && problem.network() == nullptr) {
    throw UsageError("--samples", "of a classifier's run they come from its own data",
                     "Use validation, train, or some of them as in validation:0:99");
  }
  if (!choice) {
    problem.samples = predictions_of_file(problem);
    return;
  }
  if (problem.question.written.window) {
    throw UsageError("--window", "cuts samples of a file, and these are the run's own",
                     "Leave it out");
  }
  TrainingData all = load_run_data(*problem.run());
  Dataset& part = choice->part == "train" ? all.train : all.validation;
  problem.samples = choose_samples(*choice, part);
  if (problem.network() != nullptr) return;
  problem.data =
      PredictionData{.data = std::move(part),
                     .transform = all.transform,
                     .classes = dynamic_cast<const Classifier&>(problem.model()).classes()};
  require_labels(*problem.data, problem.run()->directory().string());
  explain_layer(problem);
}

/// The training batches of an optimizer's steps; each of their parts is a direction.
void open_batches(Problem& problem) {
  const StepQuestion& step = *problem.question.step;
  SampleOptions reading = file_options(problem);
  reading.pairs = false;
  problem.steps = read_step_batches(problem.question, problem.path(), reading, problem.notes);
  problem.steps->options = {.max_norm = step.max_norm,
                            .z_loss = step.z_loss,
                            .arithmetic = step.arithmetic,
                            .type = problem.computation.precision.type,
                            .micro_batch = problem.solver.micro_batch,
                            .device = problem.computation.device};
  problem.solver.directions = parts_of(problem.steps->of(0));
  problem.solver.trains = static_cast<int64_t>(problem.steps->of(0).parts.size());
}

/// What the model and the samples decide of the rule, the products and the outputs.
void decide(Problem& problem) {
  const DecomposeOptions& written = problem.question.written;
  QuadratureOptions& quadrature = problem.solver.quadrature;
  quadrature.smoothness = smoothness_of(problem.explained());
  for (const Network* network : problem.subject.networks()) {
    quadrature.smoothness = std::max(quadrature.smoothness, smoothness_of(*network));
  }
  if (!written.first_nodes && quadrature.smoothness == Smoothness::smooth) {
    quadrature.first_nodes = 5;
  }
  if (problem.network() != nullptr) {
    problem.computation.form = choose_product_form(
        written.product_form, largest_micro_batch(problem.samples, problem.solver.micro_batch));
  } else {
    problem.solver.outputs = ClassOutputs::count(problem.solver.functional, problem.data->classes);
  }
  int64_t& longest = problem.solver.positions;
  for (const Sample& sample : problem.samples) {
    longest = std::max(longest, static_cast<int64_t>(sample.input_ids.size()));
    for (const Sample& other : sample.against) {
      longest = std::max(longest, static_cast<int64_t>(other.input_ids.size()));
    }
  }
}

}  // namespace

Problem::Problem(const Subject& of, Question asked, const Device& device)
    : subject(of), question(std::move(asked)), solver(question.solver) {
  computation.device = device;
  computation.precision = question.precision;
  computation.values = question.values;
  require_device(computation);
  open_samples(*this);
  choose_functional(*this);
  if (question.step) open_batches(*this);
  if (!question.step && question.written.z_loss) {
    notes.emplace_back("--z-loss is part of an optimizer's steps (--source steps), and not used");
  }
  require_possible(*this);
  require_bridges(*this);
  require_stageable(*this);
  say_cuts(*this);
  open_parts(*this);
  groups = group_samples(samples);
  decide(*this);
  components = ComponentTable(question.component, model().parameters());
  if (steps) {
    set_steps();
  } else {
    set_segments(neighbours(path().size()));
  }
}

int64_t Problem::rows() const {
  return row_count(solver.axes, groups, static_cast<int64_t>(samples.size()));
}

int64_t Problem::row_of(int64_t sample) const {
  return explaind::row_of(solver.axes, groups, sample, 0);
}

std::vector<PointPair> Problem::pairs() const {
  std::vector<PointPair> all;
  for (const PieceRange& range : pieces) {
    all.push_back({static_cast<size_t>(trajectory->point(range.first, false)),
                   static_cast<size_t>(trajectory->point(range.last - 1, true))});
  }
  return all;
}

void Problem::set_segments(const std::vector<PointPair>& chosen, bool piecewise) {
  const std::vector<PointPair> kept =
      question.bridges_configs ? chosen : cut_pairs(chosen, network_changes(subject));
  if (kept.empty() && !chosen.empty()) {
    throw UsageError(
        "--series",
        fmt::format("config.json changes within every segment that is asked for, and "
                    "the series is cut there (step {}: {})",
                    path().step(network_changes(subject).front()),
                    fmt::join(subject.series()->stretches()[1].changes, "; ")),
        "Give --bridge config, or checkpoints of which two neighbours have one config");
  }
  std::vector<PointPair> straight;
  pieces.clear();
  for (const PointPair& pair : kept) {
    const auto first = static_cast<int64_t>(straight.size());
    for (size_t point = pair.from; piecewise && point < pair.to; ++point) {
      straight.push_back({point, point + 1});
    }
    if (!piecewise) straight.push_back(pair);
    pieces.push_back({first, static_cast<int64_t>(straight.size())});
  }
  trajectory = std::make_unique<PathTrajectory>(subject.shared_path(), std::move(straight), parts);
  units = UnitGrid(static_cast<int64_t>(pieces.size()), static_cast<int64_t>(samples.size()),
                   solver.chunk, solver.axes.sample);
}

void Problem::set_steps() {
  pieces.clear();
  for (int64_t i = 0; i < static_cast<int64_t>(subject.path().size()); ++i)
    pieces.push_back({i, i + 1});
  trajectory = std::make_unique<StepTrajectory>(subject.shared_path(),
                                                static_cast<int64_t>(solver.directions.size()),
                                                std::vector<std::shared_ptr<const StepFile>>{});
  units = UnitGrid(static_cast<int64_t>(pieces.size()), static_cast<int64_t>(samples.size()),
                   solver.chunk, solver.axes.sample);
}

namespace {

Workspace whole_workspace_of(const Problem& problem, const Trajectory& trajectory,
                             const MemoryPlan& memory, Collectives& group,
                             const std::function<size_t(int64_t)>& network_of) {
  const Explained explained{.functional = problem.solver.functional,
                            .trajectory = trajectory,
                            .table = problem.components};
  if (problem.subject.networks().size() > 1) {
    const auto of = network_of ? network_of : [&problem, &trajectory](int64_t segment) {
      return problem.network_of(trajectory, segment);
    };
    return switched_workspace({problem.subject.networks(), of}, explained, problem.computation,
                              memory, group);
  }
  if (problem.network() != nullptr) {
    return {*problem.network(), explained, problem.computation, memory, group};
  }
  return {problem.explained(), *problem.data, explained, problem.computation,
          Share{group.rank(), group.size()}};
}

}  // namespace

Workspace workspace_of(const Problem& problem, const Trajectory& trajectory,
                       const MemoryPlan& memory, Collectives& group,
                       const std::function<size_t(int64_t)>& network_of) {
  Workspace made = whole_workspace_of(problem, trajectory, memory, group, network_of);
  if (problem.subject.stage() == nullptr) return made;
  auto staged =
      std::make_unique<StagedParameters>(std::move(made.parameters), problem.subject, trajectory);
  return {std::move(staged), std::move(made.sweep)};
}

DecomposeOptions decided(const Problem& problem) {
  DecomposeOptions copy = problem.question.written;
  copy.product_form = to_string(problem.computation.form);
  copy.first_nodes = problem.solver.quadrature.first_nodes;
  copy.value_precision = problem.computation.values ? "fp64" : "same";
  if (!problem.parts || problem.run()) copy.decay = {};  // decide nothing
  if (!problem.steps) copy.z_loss = {};
  return copy;
}

}  // namespace explaind
