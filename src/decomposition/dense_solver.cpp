#include "decomposition/dense_solver.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <string>

#include "decomposition/share.hpp"
#include "kernels/contract.hpp"

namespace explaind {
namespace {

std::span<double> numbers_of(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<double>(), static_cast<size_t>(tensor.numel())};
}

/// Σ over the rows of a tensor, in order, of each row's Σ|·|: the rows may come from several ranks.
double total_of(const std::vector<double>& rows, size_t first, int64_t count) {
  return kernels::ordered_sum(rows.data() + first, count);
}

}  // namespace

DenseSolver::DenseSolver(const Model& model, const std::vector<Sample>& samples,
                         const Groups& groups, const SolverOptions& options,
                         ParameterSource& parameters, DensePass& pass, DenseRows rows,
                         const Communicator* group)
    : model_(model),
      samples_(samples),
      groups_(groups),
      options_(options),
      parameters_(parameters),
      pass_(pass),
      rows_(rows),
      group_(group),
      whole_(whole_model(model)),
      group_sizes_(groups.names.size(), 0) {
  for (const int64_t each : groups.of_sample) ++group_sizes_[static_cast<size_t>(each)];
}

void DenseSolver::solve(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                        ScoreTile& tile, const Keep& keep) const {
  const c10::NoGradGuard no_graph;  // but where a pass forms gradients
  tile.psi_abs.clear();
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

int64_t DenseSolver::row_of(const Unit& unit, int64_t sample) const {
  if (options_.axes.sample) return sample;
  if (!options_.axes.group) return 0;
  return groups_.of_sample[static_cast<size_t>(unit.sample_begin + sample)];
}

int64_t DenseSolver::row_count(const Unit& unit) const {
  if (options_.axes.sample) return unit.sample_end - unit.sample_begin;
  return options_.axes.group ? static_cast<int64_t>(groups_.names.size()) : 1;
}

void DenseSolver::add_gradients(const Batch& batch, const Members& members,
                                const SampleNodes& nodes, double t, Sums& sums) const {
  Members asked;
  std::vector<double> weights;
  for (const int64_t member : members) {
    for (const WeightedNode& node : nodes[static_cast<size_t>(batch.first + member)]) {
      if (node.t != t) continue;
      asked.push_back(member);
      weights.push_back(node.weight);
    }
  }
  if (asked.empty()) return;
  const std::vector<at::Tensor> gradient = pass_.gradient(batch.samples.subset(asked), weights);
  for (size_t i = 0; i < gradient.size(); ++i) {
    if (!gradient[i].defined()) continue;
    if (sums[i].defined()) {
      sums[i].add_(gradient[i]);
    } else {
      sums[i] = gradient[i].to(at::kDouble, /*non_blocking=*/false, /*copy=*/true).contiguous();
    }
  }
}

std::vector<DenseSolver::Sums> DenseSolver::contributions(const Batch& batch,
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
  std::vector<Sums> sums(rows.size(), Sums(model_.parameters().size()));
  for (const double t : points) {
    parameters_.open(whole_, {});
    parameters_.set_node(t);
    for (size_t r = 0; r < rows.size(); ++r) add_gradients(batch, rows[r], nodes, t, sums[r]);
  }
  for (Sums& row : sums) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].defined()) row[i].mul_(parameters_.delta(static_cast<ParameterId>(i)));
    }
  }
  return sums;
}

void DenseSolver::solve_samples(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                                ScoreTile& tile, const Keep& keep) const {
  const std::vector<Batch> batches = batches_of(tile.unit);
  const Share share{rank(), ranks()};
  for (size_t m = 0; m < batches.size(); ++m) {
    if (share.owner(m) != share.rank) continue;
    const Batch& batch = batches[m];
    for (int64_t first = 0; first < batch.samples.size(); first += rows_.at_once) {
      std::vector<Members> rows;
      for (int64_t member = first; member < std::min(first + rows_.at_once, batch.samples.size());
           ++member) {
        rows.push_back({member});
      }
      std::vector<Sums> scores;
      for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
        parameters_.load(piece);
        std::vector<Sums> more =
            contributions(batch, rows, nodes[static_cast<size_t>(piece - pieces.first)]);
        if (scores.empty()) {
          scores = std::move(more);
          continue;
        }
        for (size_t r = 0; r < rows.size(); ++r) {
          for (size_t i = 0; i < scores[r].size(); ++i) {
            if (!more[r][i].defined()) continue;
            scores[r][i] = scores[r][i].defined() ? scores[r][i].add_(more[r][i]) : more[r][i];
          }
        }
      }
      for (size_t r = 0; r < rows.size(); ++r) {
        std::vector<double> absolute;
        keep_row(batch.first + first + static_cast<int64_t>(r), scores[r], false, keep, absolute);
        size_t at = 0;
        for (const ParameterInfo& parameter : model_.parameters()) {
          tile.psi_abs.push_back(total_of(absolute, at, parameter.shape[0]));
          at += static_cast<size_t>(parameter.shape[0]);
        }
      }
    }
  }
}

void DenseSolver::solve_sums(const PieceRange& pieces, const std::vector<SampleNodes>& nodes,
                             ScoreTile& tile, const Keep& keep) const {
  const std::vector<Batch> batches = batches_of(tile.unit);
  const auto step = static_cast<size_t>(ranks());
  const int64_t count = row_count(tile.unit);
  for (int64_t begin = 0; begin < count; begin += rows_.at_once) {
    const int64_t end = std::min(begin + rows_.at_once, count);
    std::vector<Sums> parts(static_cast<size_t>(end - begin), Sums(model_.parameters().size()));
    for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
      parameters_.load(piece);
      for (size_t first = 0; first < batches.size(); first += step) {
        std::vector<Members> rows(parts.size());
        std::vector<Sums> mine(parts.size(), Sums(model_.parameters().size()));
        const size_t m = first + static_cast<size_t>(rank());
        if (m < batches.size()) {
          for (int64_t member = 0; member < batches[m].samples.size(); ++member) {
            const int64_t row = row_of(tile.unit, batches[m].first + member);
            if (row >= begin && row < end) rows[static_cast<size_t>(row - begin)].push_back(member);
          }
          mine = contributions(batches[m], rows, nodes[static_cast<size_t>(piece - pieces.first)]);
        }
        for (size_t r = 0; r < parts.size(); ++r) add_in_order(mine[r], parts[r]);
      }
    }
    for (size_t r = 0; r < parts.size(); ++r) {
      const int64_t row = begin + static_cast<int64_t>(r);
      if (options_.axes.group && options_.group_reduce == GroupReduce::mean) {
        for (at::Tensor& each : parts[r]) {
          if (each.defined())
            each.div_(static_cast<double>(group_sizes_[static_cast<size_t>(row)]));
        }
      }
      std::vector<double> absolute;  // of this rank's rows of all tensors
      keep_row(row, parts[r], true, keep, absolute);
      std::string sent(reinterpret_cast<const char*>(absolute.data()),
                       absolute.size() * sizeof(double));
      const std::vector<std::string> all =
          ranks() == 1 ? std::vector<std::string>{std::move(sent)} : group_->all_gather(sent);
      if (tile.held.empty()) continue;
      std::vector<size_t> read(all.size(), 0);
      for (size_t i = 0; i < model_.parameters().size(); ++i) {
        std::vector<double> of_tensor;
        for (size_t from = 0; from < all.size(); ++from) {
          const ParameterRows part = part_of(static_cast<ParameterId>(i), static_cast<int>(from));
          const size_t bytes = static_cast<size_t>(part.count) * sizeof(double);
          of_tensor.resize(of_tensor.size() + static_cast<size_t>(part.count));
          std::memcpy(of_tensor.data() + of_tensor.size() - static_cast<size_t>(part.count),
                      all[from].data() + read[from], bytes);
          read[from] += bytes;
        }
        tile.psi_abs.push_back(total_of(of_tensor, 0, static_cast<int64_t>(of_tensor.size())));
      }
    }
  }
}

ParameterRows DenseSolver::part_of(ParameterId parameter, int rank) const {
  const int64_t rows = model_.parameters()[static_cast<size_t>(parameter)].shape[0];
  const int64_t first = rows * rank / ranks();
  return {.parameter = parameter, .first = first, .count = rows * (rank + 1) / ranks() - first};
}

void DenseSolver::add_in_order(const Sums& mine, Sums& part) const {
  for (size_t i = 0; i < mine.size(); ++i) {
    const auto id = static_cast<ParameterId>(i);
    const auto add = [&](const at::Tensor& more) {
      part[i] = part[i].defined() ? part[i].add_(more) : more;
    };
    if (ranks() == 1) {
      if (mine[i].defined()) add(mine[i]);
      continue;
    }
    std::vector<int64_t> shape = model_.parameters()[i].shape;
    int64_t row_scalars = 1;
    for (size_t axis = 1; axis < shape.size(); ++axis) row_scalars *= shape[axis];
    std::vector<int64_t> counts;
    for (int to = 0; to < ranks(); ++to) {
      counts.push_back(mine[i].defined() ? part_of(id, to).count * row_scalars : 0);
    }
    const std::vector<std::vector<double>> received =
        group_->exchange(mine[i].defined() ? numbers_of(mine[i]) : std::span<double>(), counts);
    shape[0] = part_of(id, rank()).count;
    for (const std::vector<double>& each : received) {
      if (!each.empty()) add(at::tensor(each, at::kDouble).view(shape));
    }
  }
}

void DenseSolver::keep_row(int64_t row, const Sums& scores, bool parts, const Keep& keep,
                           std::vector<double>& absolute) const {
  for (size_t i = 0; i < scores.size(); ++i) {
    const ParameterInfo& parameter = model_.parameters()[i];
    const auto id = static_cast<ParameterId>(i);
    const ParameterRows own =
        parts ? part_of(id, rank())
              : ParameterRows{.parameter = id, .first = 0, .count = parameter.shape[0]};
    std::vector<int64_t> shape = parameter.shape;
    shape[0] = own.count;
    const at::Tensor values = scores[i].defined() ? scores[i] : at::zeros(shape, at::kDouble);
    keep({.tensor = id,
          .row = row,
          .first = own.first,
          .count = own.count,
          .scores = numbers_of(values)});
    if (own.count == 0) continue;
    const at::Tensor sizes = values.abs().view({own.count, -1});
    for (int64_t r = 0; r < own.count; ++r) {
      absolute.push_back(kernels::ordered_sum(sizes[r].const_data_ptr<double>(), sizes.size(1)));
    }
  }
}

}  // namespace explaind
