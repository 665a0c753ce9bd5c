#include "decomposition/endpoints.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels/interpolate.hpp"

namespace explaind {
namespace {

/// Elements a thread takes at a time; small tensors are not split.
constexpr int64_t grain = 1 << 15;

template <typename Real>
void form_weight_of(const Endpoints& ends, const Real* delta, double t, int64_t begin, int64_t end,
                    Real* weight) {
  if (t == 0) {
    kernels::widen(ends.from, begin, end, weight);
  } else if (t == 1) {
    kernels::widen(ends.to, begin, end, weight);
  } else {
    kernels::interpolate(ends.from, delta, static_cast<Real>(t), begin, end, weight);
  }
}

}  // namespace

void form_delta(const Endpoints& ends, at::Tensor& delta) {
  at::parallel_for(0, delta.numel(), grain, [&](int64_t begin, int64_t end) {
    if (delta.scalar_type() == at::kDouble) {
      kernels::difference(ends.from, ends.to, begin, end, delta.data_ptr<double>());
    } else {
      kernels::difference(ends.from, ends.to, begin, end, delta.data_ptr<float>());
    }
  });
}

void form_weight(const Endpoints& ends, const at::Tensor& delta, double t, at::Tensor& weight) {
  at::parallel_for(0, weight.numel(), grain, [&](int64_t begin, int64_t end) {
    if (weight.scalar_type() == at::kDouble) {
      form_weight_of(ends, delta.const_data_ptr<double>(), t, begin, end,
                     weight.data_ptr<double>());
    } else {
      form_weight_of(ends, delta.const_data_ptr<float>(), t, begin, end, weight.data_ptr<float>());
    }
  });
}

Endpoints rows_of(const Endpoints& ends, int64_t first, int64_t count) {
  return {ends.from.rows(first, count), ends.to.rows(first, count)};
}

}  // namespace explaind
