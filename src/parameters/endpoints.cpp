#include "parameters/endpoints.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "checkpoint/convert.hpp"
#include "kernels/interpolate.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

using kernels::Bfloat16;

/// Elements of a piece, and the work of one.
constexpr int64_t grain = 1 << 15;
constexpr double work_of_element = 32;

Bfloat16* bf16_data(const at::Tensor& tensor) {
  return reinterpret_cast<Bfloat16*>(tensor.data_ptr<at::BFloat16>());
}

template <typename Real>
void form_weight_of(const Endpoints& ends, const at::Tensor& delta, double t, int64_t begin,
                    int64_t end, const at::Tensor& weight) {
  Real* out = weight.data_ptr<Real>();
  if (t == 0) {
    kernels::widen(values_of(ends.from), begin, end, out);
  } else if (t == 1) {
    kernels::widen(values_of(ends.to), begin, end, out);
  } else {
    kernels::interpolate(values_of(ends.from), delta.const_data_ptr<Real>(), static_cast<Real>(t),
                         begin, end, out);
  }
}

void form_rounded_weight(const Endpoints& ends, double t, int64_t begin, int64_t end,
                         Bfloat16* weight) {
  if (t == 0) {
    kernels::round(values_of(ends.from), begin, end, weight);
  } else if (t == 1) {
    kernels::round(values_of(ends.to), begin, end, weight);
  } else {
    kernels::interpolate_between(values_of(ends.from), values_of(ends.to), static_cast<float>(t),
                                 begin, end, weight);
  }
}

template <typename Real>
void form_weight_on(const Endpoints& ends, const at::Tensor& delta, double t, const Device& device,
                    const at::Tensor& weight) {
  namespace twins = kernels::device;
  Real* out = weight.data_ptr<Real>();
  if (t == 0 || t == 1) {
    twins::widen(values_of(t == 0 ? ends.from : ends.to), weight.numel(), out, device.stream());
  } else {
    twins::interpolate(values_of(ends.from), delta.const_data_ptr<Real>(), static_cast<Real>(t),
                       weight.numel(), out, device.stream());
  }
}

void form_weight_on_device(const Endpoints& ends, const at::Tensor& delta, double t,
                           const Device& device, at::Tensor& weight) {
  namespace twins = kernels::device;
  if (weight.scalar_type() == at::kDouble) {
    form_weight_on<double>(ends, delta, t, device, weight);
  } else if (weight.scalar_type() == at::kFloat) {
    form_weight_on<float>(ends, delta, t, device, weight);
  } else if (t == 0 || t == 1) {
    twins::widen(values_of(t == 0 ? ends.from : ends.to), weight.numel(), bf16_data(weight),
                 device.stream());
  } else {
    twins::interpolate_between(values_of(ends.from), values_of(ends.to), static_cast<float>(t),
                               weight.numel(), bf16_data(weight), device.stream());
  }
}

/// Σ factor · values of these elements, fp64.
at::Tensor sum_of(const StoredSum& direction, int64_t first, int64_t count) {
  at::Tensor sum = at::zeros({count}, at::kDouble);
  const at::Tensor values = at::empty({count}, at::kDouble);
  for (const Term& term : direction) {
    TensorView piece = term.values;
    piece.data += static_cast<size_t>(first) * dtype_size(piece.dtype);
    piece.shape = {count};
    piece.bytes = static_cast<size_t>(count) * dtype_size(piece.dtype);
    kernels::widen(values_of(piece), 0, count, values.data_ptr<double>());
    sum.add_(values, term.factor);
  }
  return sum;
}

StoredSum rows_of(const StoredSum& sum, int64_t first, int64_t count) {
  StoredSum rows;
  for (const Term& term : sum) {
    rows.push_back({.values = term.values.rows(first, count), .factor = term.factor});
  }
  return rows;
}

void form_delta_on_device(const Endpoints& ends, const Device& device, at::Tensor& delta) {
  const auto form = [&](auto* out) {
    kernels::device::difference(values_of(ends.from), values_of(ends.to), delta.numel(), out,
                                device.stream());
  };
  if (delta.scalar_type() == at::kDouble) {
    form(delta.data_ptr<double>());
  } else if (delta.scalar_type() == at::kFloat) {
    form(delta.data_ptr<float>());
  } else {
    form(bf16_data(delta));
  }
}

}  // namespace

void form_delta(const Endpoints& ends, const Device& device, at::Tensor& delta) {
  if (device.has_twins()) {
    form_delta_on_device(ends, device, delta);
    return;
  }
  share_ranges(delta.numel(), grain, work_of_element, [&](int64_t begin, int64_t end) {
    if (delta.scalar_type() == at::kDouble) {
      kernels::difference(values_of(ends.from), values_of(ends.to), begin, end,
                          delta.data_ptr<double>());
    } else if (delta.scalar_type() == at::kFloat) {
      kernels::difference(values_of(ends.from), values_of(ends.to), begin, end,
                          delta.data_ptr<float>());
    } else {
      kernels::round_difference(values_of(ends.from), values_of(ends.to), begin, end,
                                bf16_data(delta));
    }
  });
}

void form_weight(const Endpoints& ends, const at::Tensor& delta, double t, const Device& device,
                 at::Tensor& weight) {
  if (device.has_twins()) {
    form_weight_on_device(ends, delta, t, device, weight);
    return;
  }
  share_ranges(weight.numel(), grain, work_of_element, [&](int64_t begin, int64_t end) {
    if (weight.scalar_type() == at::kDouble) {
      form_weight_of<double>(ends, delta, t, begin, end, weight);
    } else if (weight.scalar_type() == at::kFloat) {
      form_weight_of<float>(ends, delta, t, begin, end, weight);
    } else {
      form_rounded_weight(ends, t, begin, end, bf16_data(weight));
    }
  });
}

Endpoints rows_of(const Endpoints& ends, int64_t first, int64_t count) {
  Endpoints rows{ends.from.rows(first, count), ends.to.rows(first, count)};
  for (const StoredSum& direction : ends.directions) {
    rows.directions.push_back(rows_of(direction, first, count));
  }
  return rows;
}

at::Tensor widened(const TensorView& stored, const std::vector<int64_t>& shape, at::ScalarType type,
                   const Device& device) {
  at::Tensor values = at::empty(shape, type);
  form_weight({.from = stored, .to = stored}, values, 0, Device::cpu(), values);
  return device.upload(values);
}

at::Tensor direction_of(const StoredSum& direction, const std::vector<int64_t>& shape,
                        at::ScalarType type, const Device& device) {
  if (direction.size() == 1 && direction[0].factor == 1) {
    return widened(direction[0].values, shape, type, device);
  }
  at::Tensor values = at::empty(shape, type);
  const at::Tensor flat = values.view({-1});
  const double work = work_of_element * static_cast<double>(direction.size());
  share_ranges(flat.numel(), grain, work, [&](int64_t begin, int64_t end) {
    flat.narrow(0, begin, end - begin).copy_(sum_of(direction, begin, end - begin));
  });
  return device.upload(values);
}

at::Tensor looked_up_rows(const Endpoints& ends, const at::Tensor& ids, double t, bool update,
                          at::ScalarType type) {
  const int64_t columns = ends.from.shape[1];
  const at::Tensor flat = ids.contiguous().view({-1});
  at::Tensor deltas = at::empty({flat.numel(), columns}, type);
  at::Tensor weights = update ? at::Tensor() : at::empty({flat.numel(), columns}, type);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const Endpoints row = rows_of(ends, flat.const_data_ptr<int64_t>()[i], 1);
    at::Tensor delta = deltas.select(0, i);
    form_delta(row, Device::cpu(), delta);
    if (update) continue;
    at::Tensor weight = weights.select(0, i);
    form_weight(row, delta, t, Device::cpu(), weight);
  }
  std::vector<int64_t> shape = ids.sizes().vec();
  shape.push_back(columns);
  return (update ? deltas : weights).view(shape);
}

at::Tensor looked_up_direction(const Endpoints& ends, int64_t index, const at::Tensor& ids,
                               at::ScalarType type) {
  const StoredSum& direction = ends.directions[static_cast<size_t>(index)];
  const int64_t columns = ends.from.shape[1];
  const at::Tensor flat = ids.contiguous().view({-1});
  at::Tensor rows = at::empty({flat.numel(), columns}, type);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const StoredSum row = rows_of(direction, flat.const_data_ptr<int64_t>()[i], 1);
    rows[i].copy_(direction_of(row, {columns}, type, Device::cpu()));
  }
  std::vector<int64_t> shape = ids.sizes().vec();
  shape.push_back(columns);
  return rows.view(shape);
}

}  // namespace explaind
