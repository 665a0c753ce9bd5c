#include "tensors/contraction.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "kernels/contract.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

namespace twins = kernels::device;

/// Columns a thread contracts at a time: delta, z and the sums of 512 columns stay in the
/// first-level cache.
constexpr int64_t column_grain = 512;
/// Positions a thread takes at a time.
constexpr int64_t position_grain = 16;

// ── on the host ─────────────────────────────────────────────────────────────────────────────────

/// An element of δ costs about as much as reading it and z.
double work_of(const at::Tensor& delta) {
  constexpr double work_of_element = 32;
  return work_of_element * static_cast<double>(delta.numel());
}

/// Rows of one sample of a B T N tensor from position `first` on, or the one row of an N tensor.
template <typename Real>
kernels::Rows<Real> rows_of(const at::Tensor& tensor, int64_t member, int64_t first = 0) {
  const Real* data = tensor.const_data_ptr<Real>();
  if (tensor.dim() == 1) return {data, 0};
  const int64_t positions = tensor.size(1), columns = tensor.size(2);
  return {data + (member * positions + first) * columns, columns};
}

/// B N: Σ over positions.
template <typename Real>
at::Tensor over_positions(const at::Tensor& delta, const at::Tensor& z,
                          const std::vector<int64_t>& lengths) {
  const int64_t batch = delta.size(0), columns = delta.size(2);
  const int64_t pieces = (columns + column_grain - 1) / column_grain;
  at::Tensor totals = at::empty({batch, columns}, at::kDouble);
  double* out = totals.data_ptr<double>();
  share_pieces(batch * pieces, work_of(delta), [&](int64_t piece) {
    const int64_t b = piece / pieces, begin = piece % pieces * column_grain;
    kernels::contract_positions(
        rows_of<Real>(delta, b), rows_of<Real>(z, b), lengths[static_cast<size_t>(b)],
        {begin, std::min(begin + column_grain, columns)}, out + b * columns);
  });
  return totals;
}

/// B T n.
template <typename Real>
at::Tensor each_position(const at::Tensor& delta, const at::Tensor& z,
                         const std::vector<int64_t>& lengths, Division division, int64_t count) {
  const int64_t batch = delta.size(0), positions = delta.size(1), columns = delta.size(2);
  const int64_t pieces = (positions + position_grain - 1) / position_grain;
  at::Tensor parts = at::empty({batch, positions, count}, at::kDouble);
  share_pieces(batch * pieces, work_of(delta), [&](int64_t piece) {
    const int64_t b = piece / pieces, first = piece % pieces * position_grain;
    const int64_t last = std::min(first + position_grain, lengths[static_cast<size_t>(b)]);
    if (first >= last) return;
    const auto d = rows_of<Real>(delta, b, first), r = rows_of<Real>(z, b, first);
    double* out = parts.data_ptr<double>() + (b * positions + first) * count;
    if (division == Division::rows) {
      kernels::contract_nothing(d, r, last - first, columns, out, count);
      return;
    }
    const int64_t width = columns / count;
    for (int64_t i = 0; i < count; ++i) {
      kernels::contract_columns(d, r, last - first, {i * width, (i + 1) * width}, out + i, count);
    }
  });
  return parts;
}

/// Σ over each of `count` equal runs of every row, in order: B N → B count.
at::Tensor sum_runs(const at::Tensor& totals, int64_t count) {
  const int64_t rows = totals.size(0), width = totals.size(1) / count;
  at::Tensor sums = at::empty({rows, count}, at::kDouble);
  double* out = sums.data_ptr<double>();
  for (int64_t i = 0; i < rows * count; ++i) {
    out[i] = kernels::ordered_sum(totals.const_data_ptr<double>() + i * width, width);
  }
  return sums;
}

template <typename Real>
Contracted contract_here(const at::Tensor& delta, const at::Tensor& z,
                         const std::vector<int64_t>& lengths, const Kept& kept) {
  Contracted sums;
  at::Tensor totals = over_positions<Real>(delta, z, lengths);
  sums.whole = sum_runs(totals, 1).view({-1});
  if (!kept.parts) return sums;
  if (kept.positions) {
    sums.parts = each_position<Real>(delta, z, lengths, kept.division, kept.count);
  } else if (kept.division == Division::rows) {
    sums.parts = std::move(totals);
  } else if (kept.division != Division::whole) {
    sums.parts = sum_runs(totals, kept.count);
  }
  return sums;
}

// ── on a device ─────────────────────────────────────────────────────────────────────────────────

template <typename Real>
twins::Batch<Real> batch_of(const at::Tensor& tensor) {
  const Real* data = tensor.const_data_ptr<Real>();
  if (tensor.dim() == 1) return {data, 0, 0};
  return {data, tensor.size(1) * tensor.size(2), tensor.size(2)};
}

twins::Extent extent_of(const at::Tensor& delta, const at::Tensor& lengths) {
  return {delta.size(0), delta.size(1), delta.size(2), lengths.const_data_ptr<int64_t>()};
}

at::Tensor sum_runs_there(const at::Tensor& totals, int64_t count, const Device& device) {
  at::Tensor sums = at::empty({totals.size(0), count}, totals.options());
  twins::sum_runs(totals.const_data_ptr<double>(), totals.size(0), totals.size(1), count,
                  sums.data_ptr<double>(), device.stream());
  return sums;
}

template <typename Real>
at::Tensor each_position_there(const at::Tensor& delta, const at::Tensor& z,
                               const at::Tensor& lengths, Division division, int64_t count,
                               const Device& device) {
  const twins::Extent extent = extent_of(delta, lengths);
  at::Tensor parts = at::empty({delta.size(0), delta.size(1), count}, device.options(at::kDouble));
  if (division == Division::rows) {
    twins::contract_nothing(batch_of<Real>(delta), batch_of<Real>(z), extent,
                            parts.data_ptr<double>(), device.stream());
  } else {
    twins::contract_columns(batch_of<Real>(delta), batch_of<Real>(z), extent, count,
                            parts.data_ptr<double>(), device.stream());
  }
  return parts;
}

template <typename Real>
Contracted contract_there(const at::Tensor& delta, const at::Tensor& z, const at::Tensor& lengths,
                          const Kept& kept, const Device& device) {
  const twins::Extent extent = extent_of(delta, lengths);
  const at::Tensor totals = at::empty({extent.batch, extent.columns}, device.options(at::kDouble));
  twins::contract_positions(batch_of<Real>(delta), batch_of<Real>(z), extent,
                            totals.data_ptr<double>(), device.stream());
  Contracted sums;
  sums.whole = device.download(sum_runs_there(totals, 1, device).view({-1}));
  if (!kept.parts) return sums;
  if (kept.positions) {
    sums.parts = device.download(
        each_position_there<Real>(delta, z, lengths, kept.division, kept.count, device));
  } else if (kept.division == Division::rows) {
    sums.parts = device.download(totals);
  } else if (kept.division != Division::whole) {
    sums.parts = device.download(sum_runs_there(totals, kept.count, device));
  }
  return sums;
}

}  // namespace

void Contraction::set_lengths(std::vector<int64_t> lengths) {
  lengths_ = std::move(lengths);
  if (device_.has_twins()) lengths_there_ = device_.upload(at::tensor(lengths_, at::kLong));
}

std::vector<int64_t> Contraction::lengths_within(int64_t positions) const {
  std::vector<int64_t> lengths = lengths_;
  for (int64_t& length : lengths) length = std::min(length, positions);
  return lengths;
}

at::Tensor Contraction::lengths_there(int64_t positions) const {
  const auto beyond = [&](int64_t length) { return length > positions; };
  if (std::none_of(lengths_.begin(), lengths_.end(), beyond)) return lengths_there_;
  return device_.upload(at::tensor(lengths_within(positions), at::kLong));
}

Contracted Contraction::operator()(const at::Tensor& delta, const at::Tensor& z,
                                   const Kept& kept) const {
  const bool fp64 = delta.scalar_type() == at::kDouble;
  const int64_t positions = delta.size(1);
  if (device_.has_twins()) {
    const at::Tensor lengths = lengths_there(positions);
    return fp64 ? contract_there<double>(delta, z, lengths, kept, device_)
                : contract_there<float>(delta, z, lengths, kept, device_);
  }
  const std::vector<int64_t> lengths = lengths_within(positions);
  return fp64 ? contract_here<double>(delta, z, lengths, kept)
              : contract_here<float>(delta, z, lengths, kept);
}

at::Tensor Contraction::by_position(const at::Tensor& delta, const at::Tensor& z) const {
  const bool fp64 = delta.scalar_type() == at::kDouble;
  const int64_t positions = delta.size(1);
  const std::vector<int64_t> shape{delta.size(0), positions};
  if (device_.has_twins()) {
    const at::Tensor lengths = lengths_there(positions);
    const at::Tensor sums =
        fp64 ? each_position_there<double>(delta, z, lengths, Division::whole, 1, device_)
             : each_position_there<float>(delta, z, lengths, Division::whole, 1, device_);
    return device_.download(sums.view(shape));
  }
  const std::vector<int64_t> lengths = lengths_within(positions);
  const at::Tensor sums = fp64 ? each_position<double>(delta, z, lengths, Division::whole, 1)
                               : each_position<float>(delta, z, lengths, Division::whole, 1);
  return sums.view(shape);
}

at::Tensor Contraction::over_pixels(const at::Tensor& delta, const at::Tensor& z) const {
  if (device_.has_twins()) return (delta.to(at::kDouble) * z.to(at::kDouble)).sum(2);
  const bool fp64 = delta.scalar_type() == at::kDouble;
  const std::vector<int64_t> all(static_cast<size_t>(delta.size(0)), delta.size(1));
  const at::Tensor sums = fp64 ? each_position<double>(delta, z, all, Division::whole, 1)
                               : each_position<float>(delta, z, all, Division::whole, 1);
  return sums.view({delta.size(0), delta.size(1)});
}

}  // namespace explaind
