#include "decomposition/unit_solver.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include "decomposition/share.hpp"
#include "kernels/contract.hpp"

namespace explaind {

UnitSolver::UnitSolver(const ComponentTable& table, const std::vector<Sample>& samples,
                       const Groups& groups, const SolverOptions& options,
                       const Communicator* group)
    : table_(table),
      samples_(samples),
      groups_(groups),
      options_(options),
      scores_follow_tensors_(table.sums_of_tensors() && !options.axes.position),
      stride_((options.axes.position ? options.positions : 1) * table.size()),
      group_sizes_(groups.names.size(), 0),
      group_(group) {
  for (const int64_t each : groups.of_sample) ++group_sizes_[static_cast<size_t>(each)];
}

int64_t UnitSolver::sample_rows(const Unit& unit) const {
  if (options_.axes.sample) return unit.sample_end - unit.sample_begin;
  return options_.axes.group ? static_cast<int64_t>(groups_.names.size()) : 1;
}

ScoreTile UnitSolver::solve(const Unit& unit, Sweep& sweep) const {
  const auto start = std::chrono::steady_clock::now();
  const auto samples = static_cast<size_t>(unit.sample_end - unit.sample_begin);
  ScoreTile tile;
  tile.unit = unit;
  tile.held = held_rows(unit);
  int64_t rows = 0;
  for (const RowRange& range : tile.held) rows += range.last - range.first;
  tile.psi.assign(static_cast<size_t>(rows * stride_), 0.0);
  for (auto* values : {&tile.value_from, &tile.value_to, &tile.residual, &tile.quadrature_error}) {
    values->assign(samples, 0.0);
  }
  tile.node_count.assign(samples, 0);
  tile.tolerance_met.assign(samples, 0);
  tile.limited_by_precision.assign(samples, 0);
  for (int64_t begin = unit.sample_begin; begin < unit.sample_end; begin += options_.chunk) {
    solve_chunk(begin, std::min(begin + options_.chunk, unit.sample_end), sweep, tile);
  }
  if (options_.axes.group && options_.group_reduce == GroupReduce::mean) {
    for (size_t i = 0; i < tile.psi.size(); ++i) {
      tile.psi[i] /= static_cast<double>(group_sizes_[i / static_cast<size_t>(stride_)]);
    }
  }
  if (group_ != nullptr && group_->rank() != 0 && !divides_rows()) {
    tile.held.clear();
    tile.psi.clear();
  }
  tile.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return tile;
}

std::vector<double> UnitSolver::values(bool to, Sweep& sweep) const {
  std::vector<double> values;
  const auto count = static_cast<int64_t>(samples_.size());
  for (int64_t begin = 0; begin < count; begin += options_.chunk) {
    const int64_t end = std::min(begin + options_.chunk, count);
    const ChunkBatches chunk = batches(begin, end);
    Ask ask{
        .t = to ? 1.0 : 0.0, .samples = {}, .value_only = true, .accumulators = 0, .weights = {}};
    for (int64_t sample = 0; sample < end - begin; ++sample) ask.samples.push_back(sample);
    const std::vector<Ask> asks{ask};
    ScoreAccumulator sink(table_, end - begin, 0, 0, false, sweep.device());
    sweep.run(chunk, asks, sink);
    if (group_ != nullptr) exchange_values(*group_, chunk, asks, sink);
    const std::vector<double>& found = sink.functionals()[0];
    values.insert(values.end(), found.begin(), found.end());
  }
  return values;
}

ChunkBatches UnitSolver::batches(int64_t begin, int64_t end) const {
  ChunkBatches chunk;
  for (int64_t first = begin; first < end; first += options_.micro_batch) {
    const int64_t last = std::min(first + options_.micro_batch, end);
    const std::span<const Sample> members(samples_.data() + first, samples_.data() + last);
    chunk.batches.push_back(make_micro_batch(members, options_.functional));
    chunk.first.push_back(first - begin);
  }
  return chunk;
}

void UnitSolver::solve_chunk(int64_t begin, int64_t end, Sweep& sweep, ScoreTile& tile) const {
  const ChunkBatches chunk = batches(begin, end);
  const auto plan =
      make_plan(options_.quadrature, end - begin, static_cast<int64_t>(table_.parameters().size()),
                scores_follow_tensors_);
  ScoreAccumulator sink(table_, end - begin, options_.axes.position ? options_.positions : 0,
                        plan->accumulators(), !scores_follow_tensors_, sweep.device());
  while (!plan->done()) {
    sweep.run(chunk, plan->next(), sink);
    if (group_ != nullptr) exchange_values(*group_, chunk, plan->next(), sink);
    plan->tell(sink.functionals(), sink.values());
  }
  for (int64_t sample = begin; sample < end; ++sample) {
    const SampleVerdict& verdict = plan->verdict(sample - begin);
    const auto row = static_cast<size_t>(sample - tile.unit.sample_begin);
    if (divides_rows()) {
      const int owner = owner_of(chunk, sample - begin, group_->size());
      if (owner == group_->rank()) {
        const std::vector<double> scores = scores_of(verdict, sink, sample - begin);
        certify(verdict, scores, row, tile);
        add_scores(scores, sample, tile.unit, tile);
      } else {
        certify(verdict, {}, row, tile);
      }
      group_->broadcast(std::span(&tile.residual[row], 1), owner);
      continue;
    }
    const std::vector<double> scores = shared_scores(verdict, sink, chunk, sample - begin);
    certify(verdict, scores, row, tile);
    add_scores(scores, sample, tile.unit, tile);
  }
}

std::vector<RowRange> UnitSolver::held_rows(const Unit& unit) const {
  const int64_t rows = sample_rows(unit);
  if (!divides_rows()) return {{.first = 0, .last = rows}};
  const Share share{group_->rank(), group_->size()};
  std::vector<RowRange> held;
  for (int64_t first = 0; first < rows; first += options_.micro_batch) {
    if (share.owner(static_cast<size_t>(first / options_.micro_batch)) != share.rank) continue;
    held.push_back({.first = first, .last = std::min(first + options_.micro_batch, rows)});
  }
  return held;
}

std::vector<double> UnitSolver::shared_scores(const SampleVerdict& verdict,
                                              const ScoreAccumulator& sink,
                                              const ChunkBatches& chunk, int64_t sample) const {
  if (scores_follow_tensors_ || group_ == nullptr || group_->size() == 1) {
    return scores_of(verdict, sink, sample);
  }
  const int owner = owner_of(chunk, sample, group_->size());
  std::vector<double> scores(static_cast<size_t>(stride_), 0.0);
  if (owner == group_->rank()) scores = scores_of(verdict, sink, sample);
  group_->broadcast(std::span(scores), owner);
  return scores;
}

std::vector<double> UnitSolver::scores_of(const SampleVerdict& verdict,
                                          const ScoreAccumulator& sink, int64_t sample) const {
  if (!scores_follow_tensors_) return sink.scores(sample, verdict.accumulator);
  std::vector<double> scores(static_cast<size_t>(stride_), 0.0);
  for (size_t i = 0; i < verdict.integrals.size(); ++i) {
    scores[static_cast<size_t>(table_.slot(static_cast<int64_t>(i)).first)] += verdict.integrals[i];
  }
  return scores;
}

void UnitSolver::certify(const SampleVerdict& verdict, const std::vector<double>& scores,
                         size_t row, ScoreTile& tile) const {
  using End = SampleVerdict::End;
  tile.value_from[row] = verdict.value_from;
  tile.value_to[row] = verdict.value_to;
  tile.residual[row] = verdict.value_to - verdict.value_from -
                       kernels::ordered_sum(scores.data(), static_cast<int64_t>(scores.size()));
  tile.quadrature_error[row] = verdict.error;
  tile.node_count[row] = verdict.evaluations;
  tile.tolerance_met[row] = verdict.end == End::met || verdict.end == End::kinks ? 1 : 0;
  tile.limited_by_precision[row] = verdict.end == End::limited ? 1 : 0;
}

void UnitSolver::add_scores(const std::vector<double>& scores, int64_t sample, const Unit& unit,
                            ScoreTile& tile) const {
  int64_t row = 0;
  if (options_.axes.sample) {
    row = sample - unit.sample_begin;
  } else if (options_.axes.group) {
    row = groups_.of_sample[static_cast<size_t>(sample)];
  }
  int64_t place = 0;  // of the row in psi
  for (const RowRange& range : tile.held) {
    if (row < range.last) {
      place += row - range.first;
      break;
    }
    place += range.last - range.first;
  }
  double* out = tile.psi.data() + place * stride_;
  for (size_t i = 0; i < scores.size(); ++i) out[i] += scores[i];
}

}  // namespace explaind
