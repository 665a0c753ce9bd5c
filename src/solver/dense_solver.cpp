#include "solver/dense_solver.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "kernels/contract.hpp"
#include "solver/sample_rows.hpp"
#include "sweeps/share.hpp"

namespace explaind {
namespace {

std::span<double> numbers_of(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<double>(), static_cast<size_t>(tensor.numel())};
}

/// Adds where there is something: an undefined tensor is a sum of nothing.
void add(const at::Tensor& more, at::Tensor& sum) {
  if (!more.defined()) return;
  sum = sum.defined() ? sum.add_(more) : more;
}

}  // namespace

DenseSolver::DenseSolver(const DenseSubject& subject, DenseRows rows, DecayUpdate decay,
                         const Communicator* group)
    : model_(subject.model),
      samples_(subject.samples),
      groups_(subject.groups),
      options_(subject.options),
      parameters_(subject.parameters),
      pass_(subject.pass),
      rows_(rows),
      decay_(std::move(decay)),
      group_(group),
      whole_(whole_model(model_)),
      group_sizes_(groups_.names.size(), 0) {
  for (const int64_t each : groups_.of_sample) ++group_sizes_[static_cast<size_t>(each)];
}

void DenseSolver::solve(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                        ScoreTile& tile, const Keep& keep) const {
  const c10::NoGradGuard no_graph;  // but where a pass forms gradients
  tile.psi_abs.clear();
  tile.balance.clear();
  if (options_.axes.sample) {
    solve_samples(pieces, nodes, tile, keep);
  } else {
    solve_sums(pieces, nodes, tile, keep);
  }
}

std::vector<DenseSolver::Batch> DenseSolver::batches_of(const Unit& unit) const {
  std::vector<Batch> batches;
  for (int64_t chunk = unit.sample_begin; chunk < unit.sample_end; chunk += options_.chunk) {
    const int64_t end = std::min(chunk + options_.chunk, unit.sample_end);
    for (int64_t first = chunk; first < end; first += options_.micro_batch) {
      const int64_t last = std::min(first + options_.micro_batch, end);
      const std::span<const Sample> members(samples_.data() + first, samples_.data() + last);
      batches.push_back({.samples = make_micro_batch(members, options_.functional),
                         .first = first - unit.sample_begin});
    }
  }
  return batches;
}

void DenseSolver::add_gradients(const Batch& batch, const Members& members,
                                const SampleNodes& nodes, double t, std::span<Sums> sums) const {
  Members asked;
  std::vector<double> weights;
  for (const int64_t member : members) {
    for (const WeightedNode& node : nodes[static_cast<size_t>(batch.first + member)]) {
      if (node.t != t) continue;
      asked.push_back(member);
      weights.insert(weights.end(), static_cast<size_t>(batch.samples.of_sample), node.weight);
    }
  }
  if (asked.empty()) return;
  const MicroBatch subset = batch.samples.subset(asked);
  for (size_t j = 0; j < sums.size(); ++j) {
    const std::vector<at::Tensor> gradient =
        pass_.gradient(subset, weights, static_cast<int64_t>(j));
    for (size_t i = 0; i < gradient.size(); ++i) {
      at::Tensor& sum = sums[j][i];
      if (gradient[i].defined() && sum.defined()) {
        sum.add_(gradient[i]);
      } else if (gradient[i].defined()) {
        sum = gradient[i].to(at::kDouble, /*non_blocking=*/false, /*copy=*/true).contiguous();
      }
    }
  }
}

DenseSolver::RowSums DenseSolver::contributions(int64_t piece, const Batch& batch,
                                                const std::vector<Members>& rows,
                                                const SampleNodes& nodes) const {
  std::set<double> points;
  for (const Members& members : rows) {
    for (const int64_t member : members) {
      for (const WeightedNode& node : nodes[static_cast<size_t>(batch.first + member)]) {
        points.insert(node.t);
      }
    }
  }
  RowSums sums = empty_rows(rows.size());
  for (const double t : points) {
    parameters_.open(whole_, {});
    parameters_.set_node(t);
    for (size_t r = 0; r < rows.size(); ++r) {
      add_gradients(batch, rows[r], nodes, t, std::span(sums).subspan(r * width(), outputs()));
    }
  }
  for (size_t r = 0; r < rows.size(); ++r) {
    multiply_updates(piece, std::span(sums).subspan(r * width(), width()));
  }
  return sums;
}

void DenseSolver::multiply_updates(int64_t piece, std::span<Sums> sums) const {
  for (size_t i = 0; i < model_.parameters().size(); ++i) {
    const auto id = static_cast<ParameterId>(i);
    const at::Tensor decay = decay_ ? decay_(piece, id) : at::Tensor();
    for (size_t j = 0; j < outputs(); ++j) {
      at::Tensor& sum = sums[j][i];
      if (!sum.defined()) continue;
      if (decay.defined()) sums[outputs() + j][i] = sum * decay;
      sum.mul_(parameters_.delta(id));
    }
  }
}

void DenseSolver::solve_samples(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                                ScoreTile& tile, const Keep& keep) const {
  const std::vector<Batch> batches = batches_of(tile.unit);
  const Share share{rank(), ranks()};
  for (size_t m = 0; m < batches.size(); ++m) {
    if (share.owner(m) != share.rank) continue;
    const Batch& batch = batches[m];
    const int64_t members = batch.samples.samples();
    for (int64_t first = 0; first < members; first += rows_.at_once) {
      std::vector<Members> rows;
      for (int64_t b = first; b < std::min(first + rows_.at_once, members); ++b)
        rows.push_back({b});
      RowSums scores = empty_rows(rows.size());
      for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
        parameters_.load(piece);
        const RowSums more =
            contributions(piece, batch, rows, nodes[static_cast<size_t>(piece - pieces.first)]);
        for (size_t r = 0; r < scores.size(); ++r) {
          for (size_t i = 0; i < more[r].size(); ++i) add(more[r][i], scores[r][i]);
        }
      }
      for (size_t r = 0; r < rows.size(); ++r) {
        std::vector<double> sizes;
        keep_row(batch.first + first + static_cast<int64_t>(r),
                 std::span(scores).subspan(r * width(), width()), false, keep, sizes);
        size_t at = 0;
        for (const ParameterInfo& parameter : model_.parameters()) {
          const size_t count = static_cast<size_t>(parameter.shape[0]) * width();
          append_totals(std::span(sizes).subspan(at, count), tile);
          at += count;
        }
      }
    }
  }
}

void DenseSolver::solve_sums(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                             ScoreTile& tile, const Keep& keep) const {
  const std::vector<Batch> batches = batches_of(tile.unit);
  const int64_t samples = tile.unit.sample_end - tile.unit.sample_begin;
  const int64_t count = row_count(options_.axes, groups_, samples);
  for (int64_t begin = 0; begin < count; begin += rows_.at_once) {
    const int64_t end = std::min(begin + rows_.at_once, count);
    RowSums parts = empty_rows(static_cast<size_t>(end - begin));
    for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
      parameters_.load(piece);
      add_batches(piece, batches, tile.unit, {.first = begin, .last = end},
                  nodes[static_cast<size_t>(piece - pieces.first)], parts);
    }
    for (int64_t row = begin; row < end; ++row) {
      const std::span<Sums> own =
          std::span(parts).subspan(static_cast<size_t>(row - begin) * width(), width());
      if (options_.axes.group && options_.group_reduce == GroupReduce::mean) {
        const auto size = static_cast<double>(group_sizes_[static_cast<size_t>(row)]);
        for (Sums& sums : own) {
          for (at::Tensor& each : sums) {
            if (each.defined()) each.div_(size);
          }
        }
      }
      std::vector<double> sizes;  // of this rank's rows of all tensors
      keep_row(row, own, true, keep, sizes);
      append_of_all_ranks(sizes, tile);
    }
  }
}

void DenseSolver::add_batches(int64_t piece, const std::vector<Batch>& batches, const Unit& unit,
                              const RowRange& range, const SampleNodes& nodes,
                              RowSums& parts) const {
  const auto [begin, end] = range;
  for (size_t first = 0; first < batches.size(); first += static_cast<size_t>(ranks())) {
    const size_t m = first + static_cast<size_t>(rank());
    RowSums mine = empty_rows(static_cast<size_t>(end - begin));
    if (m < batches.size()) {
      std::vector<Members> rows(static_cast<size_t>(end - begin));
      for (int64_t member = 0; member < batches[m].samples.samples(); ++member) {
        const int64_t sample = unit.sample_begin + batches[m].first + member;
        const int64_t row = row_of(options_.axes, groups_, sample, unit.sample_begin);
        if (row >= begin && row < end) rows[static_cast<size_t>(row - begin)].push_back(member);
      }
      mine = contributions(piece, batches[m], rows, nodes);
    }
    for (size_t r = 0; r < parts.size(); ++r) add_in_order(mine[r], parts[r]);
  }
}

void DenseSolver::append_totals(std::span<const double> rows, ScoreTile& tile) const {
  for (size_t w = 0; w < width(); ++w) {
    double total = 0;  // in the rows' order, whatever ranks they come from
    for (size_t at = w; at < rows.size(); at += width()) total += rows[at];
    (w < outputs() ? tile.psi_abs : tile.balance).push_back(total);
  }
}

void DenseSolver::append_of_all_ranks(const std::vector<double>& sizes, ScoreTile& tile) const {
  const std::vector<std::vector<double>> all =
      ranks() == 1 ? std::vector<std::vector<double>>{sizes} : group_->all_gather(sizes);
  if (tile.held.empty()) return;  // another rank has the tile
  std::vector<size_t> read(all.size(), 0);
  for (size_t i = 0; i < model_.parameters().size(); ++i) {
    std::vector<double> rows;  // of the tensor
    for (size_t from = 0; from < all.size(); ++from) {
      const int64_t own = part_of(static_cast<ParameterId>(i), static_cast<int>(from)).count;
      const size_t numbers = static_cast<size_t>(own) * width();
      const auto first = all[from].begin() + static_cast<std::ptrdiff_t>(read[from]);
      rows.insert(rows.end(), first, first + static_cast<std::ptrdiff_t>(numbers));
      read[from] += numbers;
    }
    append_totals(rows, tile);
  }
}

ParameterRows DenseSolver::part_of(ParameterId parameter, int rank) const {
  const int64_t rows = model_.parameters()[static_cast<size_t>(parameter)].shape[0];
  const int64_t first = rows * rank / ranks();
  return {.parameter = parameter, .first = first, .count = rows * (rank + 1) / ranks() - first};
}

void DenseSolver::add_in_order(const Sums& mine, Sums& part) const {
  for (size_t i = 0; i < mine.size(); ++i) {
    if (ranks() == 1) {
      add(mine[i], part[i]);
      continue;
    }
    const auto id = static_cast<ParameterId>(i);
    std::vector<int64_t> shape = model_.parameters()[i].shape;
    const int64_t row_scalars = mine[i].defined() ? mine[i].numel() / shape[0] : 0;
    std::vector<int64_t> counts;
    for (int to = 0; to < ranks(); ++to) counts.push_back(part_of(id, to).count * row_scalars);
    const std::vector<std::vector<double>> received =
        group_->exchange(mine[i].defined() ? numbers_of(mine[i]) : std::span<double>(), counts);
    shape[0] = part_of(id, rank()).count;
    for (const std::vector<double>& each : received) {
      if (!each.empty()) add(at::tensor(each, at::kDouble).view(shape), part[i]);
    }
  }
}

void DenseSolver::keep_row(int64_t row, std::span<const Sums> scores, bool parts, const Keep& keep,
                           std::vector<double>& sizes) const {
  for (size_t i = 0; i < model_.parameters().size(); ++i) {
    const auto id = static_cast<ParameterId>(i);
    std::vector<int64_t> shape = model_.parameters()[i].shape;
    const ParameterRows own =
        parts ? part_of(id, rank()) : ParameterRows{.parameter = id, .first = 0, .count = shape[0]};
    shape[0] = own.count;
    const auto numbers = [&](size_t w) {
      const at::Tensor& sum = scores[w][i];
      return sum.defined() ? sum : at::zeros(shape, at::kDouble);
    };
    std::vector<at::Tensor> of_outputs, absolute;
    for (size_t j = 0; j < outputs(); ++j) of_outputs.push_back(numbers(j));
    const at::Tensor values =
        of_outputs.size() == 1 ? of_outputs.front() : at::stack(of_outputs, -1);
    keep({.tensor = id,
          .row = row,
          .first = own.first,
          .count = own.count,
          .scores = numbers_of(values)});
    for (const at::Tensor& each : of_outputs) absolute.push_back(each.abs());
    for (size_t j = outputs(); j < width(); ++j) {
      const at::Tensor decay = numbers(j);
      absolute.push_back((of_outputs[j - outputs()] - decay).abs_().sub_(decay.abs()));
    }
    for (int64_t r = 0; r < own.count; ++r) {
      for (const at::Tensor& each : absolute) {
        const int64_t row_size = each.numel() / own.count;
        sizes.push_back(
            kernels::ordered_sum(each.const_data_ptr<double>() + r * row_size, row_size));
      }
    }
  }
}

}  // namespace explaind
