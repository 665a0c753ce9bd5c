#include "app/train_axis.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <string>

#include "app/run_samples.hpp"
#include "comm/dispatcher.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "training/run_data.hpp"
#include "training/tensor_of.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/functionals.hpp"
#include "training_axis/train_groups.hpp"

// S prediction samples of a chunk, O outputs, F = S O functionals, C components, K training samples
// or groups.

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

std::vector<Predictions> predictions_of(const DecomposeJob& job, const Unit& unit) {
  const at::ScalarType type = type_of(*job.run);
  std::vector<Predictions> all;
  for (int64_t i = unit.sample_begin; i < unit.sample_end; ++i) {
    const Sample& sample = job.samples[static_cast<size_t>(i)];
    if (job.network != nullptr) {
      all.push_back(text_functionals(job.solver.functional, sample, type));
      continue;
    }
    const PredictionData& data = *job.data;
    const at::Tensor inputs =
        network_inputs(data.data, data.transform, {sample.input_ids.front()}, {}, type);
    all.push_back(class_functionals(job.solver.functional, inputs, sample.labels.front(),
                                    data.classes, type));
  }
  return all;
}

/// Of a sample with several outputs the worst one counts.
void certify(const OriginScores& scores, int64_t outputs, ScoreTile& tile) {
  using End = SampleVerdict::End;
  const size_t samples = scores.verdicts.size() / static_cast<size_t>(outputs);
  tile.quadrature_error.assign(samples, 0);
  tile.node_count.assign(samples, 0);
  tile.tolerance_met.assign(samples, 1);
  tile.limited_by_precision.assign(samples, 0);
  for (size_t f = 0; f < scores.verdicts.size(); ++f) {
    const SampleVerdict& verdict = scores.verdicts[f];
    const double sum = scores.total[static_cast<int64_t>(f)].sum().item<double>();
    tile.value_from.push_back(verdict.value_from);
    tile.value_to.push_back(verdict.value_to);
    tile.residual.push_back(verdict.value_to - verdict.value_from - sum);
    const size_t s = f / static_cast<size_t>(outputs);
    double& error = tile.quadrature_error[s];
    error = std::isnan(verdict.error) ? verdict.error : std::max(error, verdict.error);
    tile.node_count[s] = std::max(tile.node_count[s], verdict.evaluations);
    const bool met = verdict.end == End::met || verdict.end == End::kinks;
    if (verdict.end == End::limited && (tile.tolerance_met[s] != 0)) {
      tile.limited_by_precision[s] = 1;
    } else if (!met && verdict.end != End::limited) {
      tile.limited_by_precision[s] = 0;
    }
    if (!met) tile.tolerance_met[s] = 0;
  }
}

ScoreTile tile_of(const OriginScores& scores, const Unit& unit, int64_t outputs,
                  const Groups& axis) {
  const int64_t samples = unit.sample_end - unit.sample_begin;
  const auto by_component = [&](const at::Tensor& sums) {  // F C → S C O
    return values_of(sums.view({samples, outputs, -1}).transpose(1, 2));
  };
  const at::Tensor data = sum_groups(scores.data, scores.samples, axis);  // F K C
  const at::Tensor laid_out =
      data.view({samples, outputs, data.size(1), data.size(2)}).permute({0, 3, 2, 1});  // S C K O
  ScoreTile tile;
  tile.unit = unit;
  tile.held = {{.first = 0, .last = samples}};
  tile.psi = by_component(scores.total);
  tile.parts = {{Part::decay, by_component(scores.decay)}, {Part::data, values_of(laid_out)}};
  certify(scores, outputs, tile);
  return tile;
}

}  // namespace

TrainAxis::TrainAxis(const DecomposeJob& job, const DecomposeOptions& options, int shards,
                     int64_t memory)
    : job_(job) {
  require_possible(options, shards);
  memory_ = memory_for_rules(memory);
  training_ = load_run_data(*job.run);
  samples_ = choose_samples({.part = "train"}, training_.train);
  if (job.solver.axes.train_group) {
    axis_ = group_samples(samples_);
    return;
  }
  axis_.of_sample.resize(samples_.size());
  std::iota(axis_.of_sample.begin(), axis_.of_sample.end(), int64_t{0});
  for (const Sample& sample : samples_) axis_.names.push_back(sample.id);
}

void TrainAxis::require_possible(const DecomposeOptions& options, int shards) const {
  const Axes& axes = job_.solver.axes;
  if (!axes.sample || axes.position) {
    throw UsageError("--axes", "a training axis goes with sample, output and component",
                     "Keep sample, leave out position and group; query sums what is not wanted");
  }
  if (options.steps != "all") {
    throw UsageError("--steps", "momentum reaches over all steps: a training axis keeps them all",
                     "Leave it out");
  }
  const std::string own = type_of(*job_.run) == at::kDouble ? "fp64" : "fp32";
  if (options.precision != own) {
    throw UsageError("--precision", "a training axis is computed in the run's own type",
                     "Use " + own);
  }
  if (shards > 1) {
    throw UsageError("--shards", "every rank sweeps over all steps by itself for a training axis",
                     "Use --shards 1");
  }
  if (job_.computation.device.is_cuda()) {
    throw UsageError("--device", "a training axis is computed by the processor", "Use cpu");
  }
}

int64_t TrainAxis::memory_for_rules(int64_t memory) const {
  const SolverOptions& solver = job_.solver;
  const int64_t sums = make_plan(solver.quadrature, 1, 1, false)->accumulators();
  const int64_t of_sample =
      solver.outputs * parameter_count(*job_.model) * (2 + sums) * int64_t{sizeof(double)};
  const int64_t chunk = std::min<int64_t>(solver.chunk, static_cast<int64_t>(job_.samples.size()));
  if (chunk * of_sample <= memory) return memory - chunk * of_sample;
  throw UsageError(
      "--chunk",
      fmt::format("the sweeps of {} prediction samples at once take {}, and {} are there", chunk,
                  format_bytes(static_cast<double>(chunk * of_sample)),
                  format_bytes(static_cast<double>(memory))),
      fmt::format("Use --chunk {}", std::max<int64_t>(1, memory / of_sample)));
}

void TrainAxis::describe(StoreSchema& schema) const {
  schema.parts = {{.part = Part::decay, .assumptions = "", .step_index = "origin"},
                  {.part = Part::data, .assumptions = "", .step_index = "origin"}};
  if (job_.solver.axes.train_group) {
    schema.train_group_names = axis_.names;
    return;
  }
  for (const Sample& sample : samples_) {
    schema.train_ids.push_back(sample.id);
    schema.train_groups.push_back(sample.group);
  }
}

void TrainAxis::run_chunk(int64_t chunk, const std::vector<uint8_t>& wanted,
                          StoreWriter& writer) const {
  const int64_t per_segment = job_.units.per_segment();
  const AxisOptions options{.quadrature = job_.solver.quadrature, .memory = memory_};
  AdjointSweep sweep({*job_.model, *job_.run, training_}, job_.components, options);
  auto before = std::chrono::steady_clock::now();
  sweep.run(predictions_of(job_, job_.units.unit(chunk)), [&](const OriginScores& scores) {
    const int64_t index = scores.step * per_segment + chunk;
    if (wanted[static_cast<size_t>(index)] == 0) return;
    ScoreTile tile = tile_of(scores, job_.units.unit(index), job_.solver.outputs, axis_);
    const auto now = std::chrono::steady_clock::now();
    tile.seconds = std::chrono::duration<double>(now - before).count();
    before = now;
    writer.write(tile);
  });
}

bool TrainAxis::run(const std::vector<int64_t>& todo, StoreWriter& writer,
                    const Communicator& world) const {
  std::vector<uint8_t> wanted(static_cast<size_t>(job_.units.size()), 0);
  std::set<int64_t> open;
  for (const int64_t unit : todo) {
    wanted[static_cast<size_t>(unit)] = 1;
    open.insert(unit % job_.units.per_segment());
  }
  const std::vector<int64_t> chunks(open.begin(), open.end());
  std::optional<Progress> progress;
  const auto count = static_cast<int64_t>(chunks.size());
  if (world.rank() == 0) progress.emplace("decompose", count);
  stop_on_signals();
  Dispatcher dispatcher(world, count,
                        [&](int64_t, int, const std::string& note) { progress->advance(1, note); });
  for (UnitRange mine = dispatcher.next(); !mine.empty(); mine = dispatcher.next()) {
    for (int64_t place = mine.begin; place < mine.end; ++place) {
      try {
        run_chunk(chunks[static_cast<size_t>(place)], wanted, writer);
      } catch (const std::exception& error) {
        dispatcher.fail(chunks[static_cast<size_t>(place)], error.what());
      }
      dispatcher.report(place, "");
    }
  }
  dispatcher.finish();
  if (progress) progress->finish();
  agree(world, [&] { writer.close(); });
  return dispatcher.stopped();
}

}  // namespace explaind
