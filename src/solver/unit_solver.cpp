#include "solver/unit_solver.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <span>

#include "core/unexpected.hpp"
#include "kernels/contract.hpp"
#include "scores/certificates.hpp"
#include "solver/certificate.hpp"
#include "solver/sample_rows.hpp"
#include "sweeps/share.hpp"

namespace explaind {
namespace {

/// A plan's asks of samples as asks of all their outputs, which share its nodes.
std::vector<Ask> of_outputs(const std::vector<Ask>& asks, int64_t outputs) {
  if (outputs == 1) return asks;
  std::vector<Ask> all;
  for (const Ask& ask : asks) {
    Ask& each = all.emplace_back(Ask{.t = ask.t,
                                     .samples = {},
                                     .value_only = ask.value_only,
                                     .accumulators = ask.accumulators,
                                     .weights = {}});
    for (size_t row = 0; row < ask.samples.size(); ++row) {
      for (int64_t output = 0; output < outputs; ++output) {
        each.samples.push_back(ask.samples[row] * outputs + output);
        if (ask.weights.empty()) continue;
        const auto weights = ask.weights_of(static_cast<int64_t>(row));
        each.weights.insert(each.weights.end(), weights.begin(), weights.end());
      }
    }
  }
  return all;
}

/// F at both ends, of the pairs asked there; the first pair of the chunk has that place in the
/// tile.
void keep_ends(const std::vector<Ask>& asks, const std::vector<std::vector<double>>& functionals,
               int64_t first_pair, ScoreTile& tile) {
  for (size_t i = 0; i < asks.size(); ++i) {
    if (asks[i].t != 0 && asks[i].t != 1) continue;
    std::vector<double>& ends = asks[i].t == 0 ? tile.value_from : tile.value_to;
    for (size_t row = 0; row < asks[i].samples.size(); ++row) {
      ends[static_cast<size_t>(first_pair + asks[i].samples[row])] = functionals[i][row];
    }
  }
}

double sum_of(const std::vector<double>& scores) {
  return kernels::ordered_sum(scores.data(), static_cast<int64_t>(scores.size()));
}

}  // namespace

UnitSolver::UnitSolver(const ComponentTable& table, const std::vector<Sample>& samples,
                       const Groups& groups, const SolverOptions& options,
                       const Communicator* group)
    : table_(table),
      samples_(samples),
      groups_(groups),
      options_(options),
      scores_follow_tensors_(table.sums_of_tensors() && !options.axes.position &&
                             options.directions.empty()),
      stride_((options.axes.position ? options.positions : 1) * table.size()),
      group_sizes_(groups.names.size(), 0),
      group_(group) {
  for (const int64_t each : groups.of_sample) ++group_sizes_[static_cast<size_t>(each)];
}

int64_t UnitSolver::sample_rows(const Unit& unit) const {
  return row_count(options_.axes, groups_, unit.sample_end - unit.sample_begin);
}

ScoreTile UnitSolver::empty_tile(const Unit& unit) const {
  ScoreTile tile;
  tile.unit = unit;
  tile.held = held_rows(unit);
  int64_t rows = 0;
  for (const RowRange& range : tile.held) rows += range.last - range.first;
  const auto size = static_cast<size_t>(rows * stride_ * options_.outputs);
  tile.psi.assign(size, 0.0);
  for (const Part part : all_parts) {
    const bool kept =
        std::any_of(options_.directions.begin(), options_.directions.end(),
                    [&](const DirectionPlace& direction) { return direction.part == part; });
    if (!kept) continue;
    tile.parts.push_back(
        {part, std::vector<double>(size * static_cast<size_t>(trains_of(part)), 0.0)});
  }
  begin_certificates(unit.sample_end - unit.sample_begin, options_.outputs, tile);
  return tile;
}

ScoreTile UnitSolver::solve(const Unit& unit, Sweep& sweep, SampleNodes* nodes) const {
  const auto start = std::chrono::steady_clock::now();
  ScoreTile tile = empty_tile(unit);
  for (int64_t begin = unit.sample_begin; begin < unit.sample_end; begin += options_.chunk) {
    solve_chunk(begin, std::min(begin + options_.chunk, unit.sample_end), sweep, nodes, tile);
  }
  const bool leaves = group_ != nullptr && group_->rank() != 0 && !divides_rows();
  const auto finish = [&](std::vector<double>& scores, int64_t trains) {
    if (options_.axes.group && options_.group_reduce == GroupReduce::mean) {
      const auto row = static_cast<size_t>(stride_ * trains * options_.outputs);
      for (size_t i = 0; i < scores.size(); ++i) {
        scores[i] /= static_cast<double>(group_sizes_[i / row]);
      }
    }
    if (leaves) scores.clear();
  };
  finish(tile.psi, 1);
  for (PartScores& each : tile.parts) finish(each.scores, trains_of(each.part));
  if (leaves) tile.held.clear();
  tile.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return tile;
}

std::vector<double> UnitSolver::values(
    bool to, Sweep& sweep, const std::function<void(const std::string&)>& failed) const {
  std::vector<double> values;
  const auto count = static_cast<int64_t>(samples_.size());
  for (int64_t begin = 0; begin < count; begin += options_.chunk) {
    const int64_t end = std::min(begin + options_.chunk, count);
    const ChunkBatches chunk = batches(begin, end);
    Ask ask{
        .t = to ? 1.0 : 0.0, .samples = {}, .value_only = true, .accumulators = 0, .weights = {}};
    const int64_t pairs = (end - begin) * options_.outputs;
    for (int64_t pair = 0; pair < pairs; ++pair) ask.samples.push_back(pair);
    const std::vector<Ask> asks{ask};
    ScoreAccumulator sink(table_, {.samples = pairs}, sweep.device());
    const auto run = [&] {
      try {
        sweep.run(chunk, asks, sink);
      } catch (const std::exception& error) {
        if (failed) failed(message_of(error));
        throw;
      }
    };
    if (group_ == nullptr) {
      run();
    } else {
      agree(*group_, run);
      exchange_values(*group_, chunk, asks, sink);
    }
    const std::vector<double>& found = sink.functionals()[0];
    values.insert(values.end(), found.begin(), found.end());
  }
  return values;
}

ChunkBatches UnitSolver::batches(int64_t begin, int64_t end) const {
  ChunkBatches chunk{.batches = {}, .first = {}, .outputs = options_.outputs, .begin = begin};
  for (int64_t first = begin; first < end; first += options_.micro_batch) {
    const int64_t last = std::min(first + options_.micro_batch, end);
    const std::span<const Sample> members(samples_.data() + first, samples_.data() + last);
    chunk.batches.push_back(make_micro_batch(members, options_.functional));
    chunk.first.push_back(first - begin);
  }
  return chunk;
}

void UnitSolver::solve_chunk(int64_t begin, int64_t end, Sweep& sweep, SampleNodes* nodes,
                             ScoreTile& tile) const {
  const ChunkBatches chunk = batches(begin, end);
  const int64_t outputs = options_.outputs, pairs = (end - begin) * outputs;
  const auto tensors = static_cast<int64_t>(table_.parameters().size());
  const auto plan = sweep.moves()
                        ? make_plan(options_.quadrature, end - begin, tensors,
                                    scores_follow_tensors_ && nodes == nullptr, outputs)
                        : make_still_plan(options_.quadrature, end - begin, tensors, outputs);
  NodeRecord record(nodes == nullptr ? 0 : end - begin);
  const int64_t first_pair = (begin - tile.unit.sample_begin) * outputs;
  ScoreAccumulator sink(table_,
                        {.samples = pairs,
                         .positions = options_.axes.position ? options_.positions : 0,
                         .accumulators = plan->accumulators(),
                         .keep_scores = !scores_follow_tensors_,
                         .directions = static_cast<int64_t>(options_.directions.size())},
                        sweep.device());
  while (!plan->done()) {
    if (nodes != nullptr) record.add(plan->next());
    if (scores_follow_tensors_ && plan->replaying()) {  // for the record alone
      plan->tell({}, {});
      continue;
    }
    const std::vector<Ask> asks = of_outputs(plan->next(), outputs);
    sweep.run(chunk, asks, sink);
    if (group_ != nullptr) exchange_values(*group_, chunk, asks, sink);
    if (!plan->replaying()) keep_ends(asks, sink.functionals(), first_pair, tile);
    plan->tell(sink.functionals(), sink.values());
  }
  for (int64_t sample = 0; nodes != nullptr && sample < end - begin; ++sample) {
    nodes->push_back(record.of(sample, plan->verdict(sample)));
  }
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const int64_t sample = begin + pair / outputs;
    const SampleVerdict& verdict = plan->verdict(pair / outputs);
    const SolvedPair solved{.verdict = verdict, .pair = pair, .sample = sample};
    const auto place = static_cast<size_t>(first_pair + pair);
    if (divides_rows()) {
      const int owner = owner_of(chunk, sample - begin, group_->size());
      if (owner == group_->rank()) {
        const std::vector<double> scores = scores_of(verdict, sink, pair);
        certify(verdict, sum_of(scores), place, outputs, tile);
        add_scores(scores, solved, tile, {}, tile.psi);
        add_directions(solved, sink, chunk, true, tile);
      } else {
        certify(verdict, 0, place, outputs, tile);
      }
      group_->broadcast(std::span(&tile.residual[place], 1), owner);
      continue;
    }
    const std::vector<double> scores = shared_scores(verdict, sink, chunk, pair);
    certify(verdict, sum_of(scores), place, outputs, tile);
    add_scores(scores, solved, tile, {}, tile.psi);
    add_directions(solved, sink, chunk, false, tile);
  }
}

void UnitSolver::add_directions(const SolvedPair& solved, const ScoreAccumulator& sink,
                                const ChunkBatches& chunk, bool mine, ScoreTile& tile) const {
  for (int64_t d = 0; d < sink.directions(); ++d) {
    const DirectionPlace& place = options_.directions[static_cast<size_t>(d)];
    const ScoreAccumulator& own = sink.direction(d);
    const std::vector<double> scores = mine
                                           ? scores_of(solved.verdict, own, solved.pair)
                                           : shared_scores(solved.verdict, own, chunk, solved.pair);
    const auto into = std::find_if(tile.parts.begin(), tile.parts.end(),
                                   [&](const PartScores& each) { return each.part == place.part; });
    add_scores(scores, solved, tile, {.train = place.train, .count = trains_of(place.part)},
               into->scores);
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
                                              const ChunkBatches& chunk, int64_t pair) const {
  if (scores_follow_tensors_ || group_ == nullptr || group_->size() == 1) {
    return scores_of(verdict, sink, pair);
  }
  const int owner = owner_of(chunk, pair / options_.outputs, group_->size());
  std::vector<double> scores(static_cast<size_t>(stride_), 0.0);
  if (owner == group_->rank()) scores = scores_of(verdict, sink, pair);
  group_->broadcast(std::span(scores), owner);
  return scores;
}

std::vector<double> UnitSolver::scores_of(const SampleVerdict& verdict,
                                          const ScoreAccumulator& sink, int64_t pair) const {
  if (!scores_follow_tensors_) return sink.scores(pair, verdict.accumulator);
  std::vector<double> scores(static_cast<size_t>(stride_), 0.0);
  const auto tensors = static_cast<int64_t>(table_.parameters().size());
  const double* integrals = verdict.integrals.data() + pair % options_.outputs * tensors;
  for (int64_t i = 0; i < tensors; ++i) {
    scores[static_cast<size_t>(table_.slot(i).first)] += integrals[i];
  }
  return scores;
}

void UnitSolver::add_scores(const std::vector<double>& scores, const SolvedPair& solved,
                            const ScoreTile& tile, const TrainPlace& place,
                            std::vector<double>& into) const {
  const int64_t row = row_of(options_.axes, groups_, solved.sample, tile.unit.sample_begin);
  int64_t before = 0;  // rows of psi that are here
  for (const RowRange& range : tile.held) {
    if (row < range.last) {
      before += row - range.first;
      break;
    }
    before += range.last - range.first;
  }
  // One score is K J numbers, one of which this is.
  const auto numbers = static_cast<size_t>(place.count * options_.outputs);
  double* out = into.data() + static_cast<size_t>(before * stride_) * numbers +
                place.train * options_.outputs + solved.pair % options_.outputs;
  for (size_t i = 0; i < scores.size(); ++i) out[i * numbers] += scores[i];
}

}  // namespace explaind
