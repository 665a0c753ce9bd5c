#include "decomposition/score_accumulator.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "kernels/contract.hpp"

namespace explaind {
namespace {

/// Columns a thread contracts at a time: delta, z and the sums of 512 columns stay in the
/// first-level cache.
constexpr int64_t column_grain = 512;

/// Rows of one sample of a B T N tensor, or the one row of an N tensor.
template <typename Real>
kernels::Rows<Real> rows_of(const at::Tensor& tensor, int64_t member) {
  const Real* data = tensor.const_data_ptr<Real>();
  if (tensor.dim() == 1) return {data, 0};
  const int64_t positions = tensor.size(1), columns = tensor.size(2);
  return {data + member * positions * columns, columns};
}

/// Σ over runs of `count` equal blocks of N values, in order: N → count.
void sum_blocks(const double* values, int64_t columns, int64_t count, double* out) {
  const int64_t width = columns / count;
  for (int64_t i = 0; i < count; ++i) out[i] = kernels::ordered_sum(values + i * width, width);
}

}  // namespace

ScoreAccumulator::ScoreAccumulator(const ComponentTable& table, int64_t samples, int64_t positions,
                                   int accumulators, bool keep_scores)
    : table_(table),
      samples_(samples),
      positions_(positions),
      tensors_(static_cast<int64_t>(table.parameters().size())),
      accumulators_(accumulators),
      keep_scores_(keep_scores) {
  for (int64_t i = 0; i < tensors_; ++i) {
    first_use_.push_back(places_.size());
    for (int use = 0; use < table.parameters()[static_cast<size_t>(i)].uses; ++use) {
      add_place(table.slot(i));
    }
  }
  first_use_.push_back(places_.size());
  stride_ = std::max<int64_t>(positions, 1) * width_;
  if (keep_scores_) {
    const auto size = static_cast<size_t>(accumulators * samples * stride_);
    sums_.assign(size, 0.0);
    round_.assign(size, 0.0);
  }
}

void ScoreAccumulator::add_place(const ParameterSlot& slot) {
  places_.push_back({.first = width_, .count = slot.count, .division = slot.division});
  width_ += slot.count;
}

const ScoreAccumulator::Place& ScoreAccumulator::place(int64_t parameter, bool last_use) const {
  const auto i = static_cast<size_t>(parameter);
  return places_[last_use ? first_use_[i + 1] - 1 : first_use_[i]];
}

void ScoreAccumulator::begin_round(const std::vector<Ask>& asks) {
  asks_ = &asks;
  functionals_.assign(asks.size(), {});
  values_.assign(asks.size(), {});
  for (size_t i = 0; i < asks.size(); ++i) {
    functionals_[i].assign(asks[i].samples.size(), 0.0);
    if (!asks[i].value_only) {
      values_[i].assign(asks[i].samples.size() * static_cast<size_t>(tensors_), 0.0);
    }
  }
  std::fill(round_.begin(), round_.end(), 0.0);
}

void ScoreAccumulator::end_round() {
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += round_[i];
  asks_ = nullptr;
}

RoundRow ScoreAccumulator::row(size_t ask, size_t row) {
  const auto tensors = static_cast<size_t>(tensors_);
  std::vector<double>& values = values_[ask];
  return {&functionals_[ask][row],
          values.empty() ? std::span<double>() : std::span(values).subspan(row * tensors, tensors)};
}

void ScoreAccumulator::begin_evaluation(Members members) { members_ = std::move(members); }

void ScoreAccumulator::set_functional(std::span<const double> values) {
  for (size_t b = 0; b < values.size(); ++b) {
    functionals_[members_.ask][static_cast<size_t>(members_.rows[b])] = values[b];
  }
}

double& ScoreAccumulator::value(int64_t member, int64_t parameter) {
  const int64_t row = members_.rows[static_cast<size_t>(member)];
  return values_[members_.ask][static_cast<size_t>(row * tensors_ + parameter)];
}

bool ScoreAccumulator::fed(int64_t member) const {
  if (!keep_scores_) return false;
  const auto weights =
      (*asks_)[members_.ask].weights_of(members_.rows[static_cast<size_t>(member)]);
  return std::any_of(weights.begin(), weights.end(), [](double weight) { return weight != 0; });
}

void ScoreAccumulator::add(int64_t parameter, const at::Tensor& delta, const at::Tensor& z) {
  if (delta.scalar_type() == at::kDouble) {
    add_of<double>(parameter, 0, delta.contiguous(), z.contiguous(), nullptr);
  } else {
    add_of<float>(parameter, 0, delta.contiguous(), z.contiguous(), nullptr);
  }
}

void ScoreAccumulator::add_slice(int64_t parameter, int64_t first_row, const at::Tensor& delta,
                                 const at::Tensor& z, SliceSums& sums) {
  sums.whole.resize(static_cast<size_t>(delta.size(0)), 0.0);
  if (keeps_positions()) {
    sums.positions.resize(static_cast<size_t>(delta.size(0) * delta.size(1)), 0.0);
  }
  if (delta.scalar_type() == at::kDouble) {
    add_of<double>(parameter, first_row, delta.contiguous(), z.contiguous(), &sums);
  } else {
    add_of<float>(parameter, first_row, delta.contiguous(), z.contiguous(), &sums);
  }
}

void ScoreAccumulator::add_sums(int64_t parameter, const SliceSums& sums) {
  const Place& into = place(parameter);
  const size_t padded = sums.positions.size() / sums.whole.size();
  for (size_t b = 0; b < sums.whole.size(); ++b) {
    const auto member = static_cast<int64_t>(b);
    value(member, parameter) += sums.whole[b];
    if (!fed(member) || into.division != Division::whole) continue;
    if (keeps_positions()) {
      add_parts(member, into.first, 1, members_.lengths[b], sums.positions.data() + b * padded);
    } else {
      add_parts(member, into.first, 1, 1, &sums.whole[b]);
    }
  }
}

template <typename Real>
void ScoreAccumulator::add_of(int64_t parameter, int64_t first_row, const at::Tensor& delta,
                              const at::Tensor& z, SliceSums* sums) {
  const int64_t batch = delta.size(0), columns = delta.size(2);
  const int64_t pieces = (columns + column_grain - 1) / column_grain;
  std::vector<double> totals(static_cast<size_t>(batch * columns));  // B N: Σ over positions
  at::parallel_for(0, batch * pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t b = task / pieces, begin = task % pieces * column_grain;
      kernels::contract_positions(
          rows_of<Real>(delta, b), rows_of<Real>(z, b), members_.lengths[static_cast<size_t>(b)],
          begin, std::min(begin + column_grain, columns), totals.data() + b * columns);
    }
  });
  const Place& into = place(parameter);
  for (int64_t b = 0; b < batch; ++b) {
    const double* row_sums = totals.data() + b * columns;
    const double total = kernels::ordered_sum(row_sums, columns);
    if (sums == nullptr) {
      value(b, parameter) += total;
    } else {
      sums->whole[static_cast<size_t>(b)] += total;
    }
    if (!fed(b)) continue;
    if (keeps_positions()) {
      Place part = into;
      if (into.division == Division::rows) {
        part = {.first = into.first + first_row, .count = columns, .division = Division::rows};
      }
      add_positions_of<Real>(
          part, b, delta, z,
          sums == nullptr ? nullptr : sums->positions.data() + b * delta.size(1));
    } else if (into.division == Division::rows) {
      add_parts(b, into.first + first_row, columns, 1, row_sums);
    } else if (into.division != Division::whole) {
      parts_.resize(static_cast<size_t>(into.count));
      sum_blocks(row_sums, columns, into.count, parts_.data());
      add_parts(b, into.first, into.count, 1, parts_.data());
    } else if (sums == nullptr) {
      add_parts(b, into.first, 1, 1, &total);
    }
  }
}

template <typename Real>
void ScoreAccumulator::add_positions_of(const Place& place, int64_t member, const at::Tensor& delta,
                                        const at::Tensor& z, double* sums) {
  const kernels::Rows<Real> deltas = rows_of<Real>(delta, member),
                            responses = rows_of<Real>(z, member);
  const int64_t length = members_.lengths[static_cast<size_t>(member)];
  const int64_t columns = delta.size(2), count = place.count;
  parts_.resize(static_cast<size_t>(length * count));
  at::parallel_for(0, length, 16, [&](int64_t first, int64_t last) {
    const kernels::Rows<Real> d{deltas.at(first), deltas.stride},
        r{responses.at(first), responses.stride};
    double* out = parts_.data() + first * count;
    if (place.division == Division::rows) {
      kernels::contract_nothing(d, r, last - first, columns, out, count);
      return;
    }
    const int64_t width = columns / count;
    for (int64_t i = 0; i < count; ++i) {
      kernels::contract_columns(d, r, last - first, i * width, (i + 1) * width, out + i, count);
    }
  });
  if (sums != nullptr && place.division == Division::whole) {
    for (int64_t t = 0; t < length; ++t) sums[t] += parts_[static_cast<size_t>(t)];
  } else {
    add_parts(member, place.first, count, length, parts_.data());
  }
}

void ScoreAccumulator::add_rows(int64_t parameter, const at::Tensor& rows) {
  const Place& into = place(parameter);
  const at::Tensor sums = rows.contiguous();
  const int64_t count = sums.size(1);
  for (int64_t b = 0; b < sums.size(0); ++b) {
    const double* of_rows = sums.const_data_ptr<double>() + b * count;
    const double whole = kernels::ordered_sum(of_rows, count);
    value(b, parameter) += whole;
    if (!fed(b)) continue;
    if (into.division == Division::rows) {
      add_parts(b, into.first, count, 1, of_rows);
    } else {
      add_parts(b, into.first, 1, 1, &whole);
    }
  }
}

void ScoreAccumulator::add_embedding(int64_t parameter, const at::Tensor& ids,
                                     const at::Tensor& delta, const at::Tensor& z) {
  const Place& into = place(parameter, true);
  const int64_t columns = delta.size(2), padded = ids.size(1);
  const at::Tensor deltas = delta.contiguous(), responses = z.contiguous();
  const int64_t* id = ids.const_data_ptr<int64_t>();
  std::vector<double> parts(static_cast<size_t>(padded));  // T: ⟨δ_t, ΔW[id_t]⟩
  for (int64_t b = 0; b < ids.size(0); ++b) {
    const int64_t length = members_.lengths[static_cast<size_t>(b)];
    if (delta.scalar_type() == at::kDouble) {
      kernels::contract_columns(rows_of<double>(deltas, b), rows_of<double>(responses, b), length,
                                0, columns, parts.data(), 1);
    } else {
      kernels::contract_columns(rows_of<float>(deltas, b), rows_of<float>(responses, b), length, 0,
                                columns, parts.data(), 1);
    }
    const double whole = kernels::ordered_sum(parts.data(), length);
    value(b, parameter) += whole;
    if (!fed(b)) continue;
    if (into.division == Division::rows) {
      parts_.assign(static_cast<size_t>((keeps_positions() ? length : 1) * into.count), 0.0);
      for (int64_t t = 0; t < length; ++t) {
        const int64_t row = keeps_positions() ? t * into.count : 0;
        parts_[static_cast<size_t>(row + id[b * padded + t])] += parts[static_cast<size_t>(t)];
      }
      add_parts(b, into.first, into.count, keeps_positions() ? length : 1, parts_.data());
    } else if (keeps_positions()) {
      add_parts(b, into.first, 1, length, parts.data());
    } else {
      add_parts(b, into.first, 1, 1, &whole);
    }
  }
}

void ScoreAccumulator::add_parts(int64_t member, int64_t first, int64_t count, int64_t positions,
                                 const double* parts) {
  const Ask& ask = (*asks_)[members_.ask];
  const int64_t row = members_.rows[static_cast<size_t>(member)];
  const int64_t sample = ask.samples[static_cast<size_t>(row)];
  const auto weights = ask.weights_of(row);
  for (int a = 0; a < accumulators_; ++a) {
    const double weight = weights[static_cast<size_t>(a)];
    if (weight == 0) continue;
    double* out = round_.data() + (a * samples_ + sample) * stride_ + first;
    for (int64_t p = 0; p < positions; ++p) {
      for (int64_t i = 0; i < count; ++i) {
        out[p * width_ + i] += weight * parts[p * count + i];
      }
    }
  }
}

std::vector<double> ScoreAccumulator::scores(int64_t sample, int accumulator) const {
  const int64_t kept = std::max<int64_t>(positions_, 1);
  const double* from = sums_.data() + (accumulator * samples_ + sample) * stride_;
  std::vector<double> merged(static_cast<size_t>(kept * table_.size()), 0.0);
  for (int64_t i = 0; i < tensors_; ++i) {
    const int64_t first = table_.slot(i).first;
    for (size_t use = first_use_[static_cast<size_t>(i)];
         use < first_use_[static_cast<size_t>(i) + 1]; ++use) {
      const Place& part = places_[use];
      for (int64_t p = 0; p < kept; ++p) {
        for (int64_t c = 0; c < part.count; ++c) {
          merged[static_cast<size_t>(p * table_.size() + first + c)] +=
              from[p * width_ + part.first + c];
        }
      }
    }
  }
  return merged;
}

}  // namespace explaind
