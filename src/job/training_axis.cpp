#include "job/training_axis.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <set>
#include <string>

#include "core/error.hpp"
#include "job/run_samples.hpp"
#include "solver/certificate.hpp"
#include "solver/sample_rows.hpp"
#include "training/run_data.hpp"
#include "training/run_gradients.hpp"
#include "training/tensor_of.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/applied_scores.hpp"
#include "training_axis/functionals.hpp"
#include "training_axis/train_groups.hpp"

// S rows of prediction samples (samples of a chunk, groups, or 1), O outputs, R = S O rows of
// functionals, C components, K training samples or groups.

namespace explaind {
namespace {

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor row_major = tensor.contiguous();
  const auto* data = row_major.const_data_ptr<double>();
  return {data, data + row_major.numel()};
}

at::ScalarType type_of(const RecordedRun& run) {
  return scalar_type_of(run.description().dtype, run.directory().string());
}

Predictions predictions_of(const Problem& problem, const Sample& sample) {
  const at::ScalarType type = type_of(*problem.run());
  if (problem.network() != nullptr) {
    return text_functionals(problem.solver.functional, sample, problem.network()->vocabulary(),
                            type);
  }
  const PredictionData& data = *problem.data;
  const at::Tensor inputs =
      network_inputs(data.data, data.transform, {sample.input_ids.front()}, {}, type);
  return class_functionals(problem.solver.functional, inputs, sample.labels.front(), data.classes,
                           type);
}

}  // namespace

TrainingAxis::TrainingAxis(const Problem& problem, const MemoryPlan& plan, int64_t memory)
    : problem_(problem),
      applied_(problem.question.by_step_applied),
      training_(load_run_data(*problem.run())) {
  require_repeatable_gradients(problem.model(), problem.run()->directory().string());
  samples_ = choose_samples({.part = "train", .numbers = {}}, training_.train);
  if (problem.solver.axes.train_group) {
    axis_ = group_samples(samples_);
  } else {
    axis_ = each_sample(static_cast<int64_t>(samples_.size()));
  }
  options_.quadrature = problem.solver.quadrature;
  options_.rounding = applied_ || !problem.question.parts.empty();
  options_.first = problem.trajectory->point(0, false);
  options_.last = problem.trajectory->point(problem.trajectory->segments() - 1, true);
  divide(plan, memory);
}

void TrainingAxis::describe(StoreSchema& schema) const {
  const std::string index = applied_ ? "applied" : "origin";
  schema.parts = {{.part = Part::decay, .assumptions = "", .step_index = index},
                  {.part = Part::data, .assumptions = "", .step_index = index}};
  if (options_.rounding) {
    schema.parts.push_back({.part = Part::rounding, .assumptions = "", .step_index = "applied"});
  }
  if (options_.first > 0) {
    schema.parts.push_back({.part = Part::momentum, .assumptions = "", .step_index = "applied"});
  }
  if (problem_.solver.axes.train_group) {
    schema.train_group_names = axis_.names;
    return;
  }
  for (const Sample& sample : samples_) {
    schema.train_ids.push_back(sample.id);
    schema.train_groups.push_back(sample.group);
  }
}

FunctionalSums TrainingAxis::functionals(int64_t chunk) const {
  const Axes& axes = problem_.solver.axes;
  const Unit unit = problem_.units.unit(chunk);
  std::vector<int64_t> members(problem_.groups.names.size(), 0);
  for (const int64_t group : problem_.groups.of_sample) ++members[static_cast<size_t>(group)];
  FunctionalSums sums;
  const int64_t samples = unit.sample_end - unit.sample_begin;
  sums.rows = row_count(axes, problem_.groups, samples) * problem_.solver.outputs;
  sums.at_once = samples_of_chunk();
  for (int64_t i = unit.sample_begin; i < unit.sample_end; ++i) {
    sums.predictions.push_back(predictions_of(problem_, problem_.samples[static_cast<size_t>(i)]));
    const int64_t group = problem_.groups.of_sample[static_cast<size_t>(i)];
    const int64_t row = row_of(axes, problem_.groups, i, unit.sample_begin);
    const bool mean = axes.group && problem_.solver.group_reduce == GroupReduce::mean;
    const double weight = mean ? 1 / static_cast<double>(members[static_cast<size_t>(group)]) : 1;
    for (int64_t output = 0; output < problem_.solver.outputs; ++output) {
      sums.places.push_back({.row = row * problem_.solver.outputs + output, .weight = weight});
    }
  }
  return sums;
}

ScoreTile TrainingAxis::tile_of(const StepScores& scores, const Unit& unit) const {
  const int64_t outputs = problem_.solver.outputs, rows = scores.total.size(0) / outputs;
  const auto by_component = [&](const at::Tensor& sums) {  // R C → S C O
    return values_of(sums.view({rows, outputs, -1}).transpose(1, 2));
  };
  const at::Tensor data =
      applied_ ? scores.data : sum_groups(scores.data, scores.samples, axis_);  // R K C
  const at::Tensor laid_out =
      data.view({rows, outputs, data.size(1), data.size(2)}).permute({0, 3, 2, 1});  // S C K O
  ScoreTile tile;
  tile.unit = unit;
  tile.held = {{.first = 0, .last = rows}};
  tile.psi = by_component(scores.total);
  tile.parts = {{Part::decay, by_component(scores.decay)},
                {Part::momentum, by_component(scores.momentum)},
                {Part::rounding, by_component(scores.rounding)},
                {Part::data, values_of(laid_out)}};
  begin_certificates(unit.sample_end - unit.sample_begin, outputs, tile);
  for (size_t pair = 0; pair < scores.verdicts.size(); ++pair) {
    tile.value_from[pair] = scores.verdicts[pair].value_from;
    tile.value_to[pair] = scores.verdicts[pair].value_to;
    certify(scores.verdicts[pair], scores.sums[pair], pair, outputs, tile);
  }
  return tile;
}

void TrainingAxis::run_chunk(int64_t chunk, const std::vector<uint8_t>& wanted,
                             const std::function<void(const ScoreTile&)>& write) const {
  const FunctionalSums sums = functionals(chunk);
  auto before = std::chrono::steady_clock::now();
  const auto keep = [&](const StepScores& scores) {
    const int64_t index = (scores.step - options_.first) * problem_.units.per_segment() + chunk;
    if (wanted[static_cast<size_t>(index)] == 0) return;
    ScoreTile tile = tile_of(scores, problem_.units.unit(index));
    const auto now = std::chrono::steady_clock::now();
    tile.seconds = std::chrono::duration<double>(now - before).count();
    before = now;
    write(tile);
  };
  if (applied_) {
    applied_scores(trained(), sums, problem_.components, axis_, options_, keep);
  } else {
    AdjointSweep(trained(), problem_.components, options_).run(sums, keep);
  }
}

}  // namespace explaind
