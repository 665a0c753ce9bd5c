#include "kernels/rms_norm.hpp"

#include <array>
#include <cmath>
#include <cstddef>

#include "kernels/vector_clones.hpp"

namespace explaind::kernels {
namespace {

constexpr int64_t lanes = 8;

double sum_lanes(const std::array<double, lanes>& sums) {
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// Σ a[i] b[i] c[i]; c may be null.
template <typename Real>
[[gnu::always_inline]] inline double sum_products(const Real* a, const Real* b, const Real* c,
                                                  int64_t count) {
  std::array<double, lanes> sums{};
  const auto term = [&](int64_t i) {
    const double product = static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return c == nullptr ? product : product * static_cast<double>(c[i]);
  };
  int64_t n = 0;
  for (; n + lanes <= count; n += lanes) {
    for (int64_t i = 0; i < lanes; ++i) sums[static_cast<size_t>(i)] += term(n + i);
  }
  for (int64_t i = 0; n + i < count; ++i) sums[static_cast<size_t>(i)] += term(n + i);
  return sum_lanes(sums);
}

template <typename Real>
[[gnu::always_inline]] inline void forward(const Real* x, const Real* gain, double epsilon,
                                           int64_t columns, Real* y, Real& scale) {
  const double squares = sum_products<Real>(x, x, nullptr, columns);
  scale = static_cast<Real>(1 / std::sqrt(squares / static_cast<double>(columns) + epsilon));
  for (int64_t i = 0; i < columns; ++i) y[i] = x[i] * scale * gain[i];
}

template <typename Real>
[[gnu::always_inline]] inline void backward(const Real* x, const Real* gain, Real scale,
                                            const Real* delta, int64_t columns, Real* gradient) {
  const double product = sum_products(x, gain, delta, columns);
  const double s = static_cast<double>(scale);
  const Real along = static_cast<Real>(s * s * s * product / static_cast<double>(columns));
  for (int64_t i = 0; i < columns; ++i) gradient[i] = scale * gain[i] * delta[i] - along * x[i];
}

EXPLAIND_VECTOR_CLONES void forward_of(const float* x, const float* gain, double epsilon,
                                       int64_t columns, float* y, float& scale) {
  forward(x, gain, epsilon, columns, y, scale);
}
EXPLAIND_VECTOR_CLONES void forward_of(const double* x, const double* gain, double epsilon,
                                       int64_t columns, double* y, double& scale) {
  forward(x, gain, epsilon, columns, y, scale);
}
EXPLAIND_VECTOR_CLONES void backward_of(const float* x, const float* gain, float scale,
                                        const float* delta, int64_t columns, float* gradient) {
  backward(x, gain, scale, delta, columns, gradient);
}
EXPLAIND_VECTOR_CLONES void backward_of(const double* x, const double* gain, double scale,
                                        const double* delta, int64_t columns, double* gradient) {
  backward(x, gain, scale, delta, columns, gradient);
}

}  // namespace

template <typename Real>
void rms_norm(const Real* x, const Real* gain, double epsilon, int64_t begin, int64_t end,
              int64_t columns, Real* y, Real* scale) {
  for (int64_t row = begin; row < end; ++row) {
    forward_of(x + row * columns, gain, epsilon, columns, y + row * columns, scale[row]);
  }
}

template <typename Real>
void rms_norm_backward(const Real* x, const Real* gain, const Real* scale, const Real* delta,
                       int64_t begin, int64_t end, int64_t columns, Real* input_gradient) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t first = row * columns;
    backward_of(x + first, gain, scale[row], delta + first, columns, input_gradient + first);
  }
}

template <typename Real>
void rms_norm_response(const Real* x, const Real* update, const Real* scale, int64_t begin,
                       int64_t end, int64_t columns, Real* z) {
  for (int64_t row = begin; row < end; ++row) {
    const Real* in = x + row * columns;
    Real* out = z + row * columns;
    for (int64_t i = 0; i < columns; ++i) out[i] = in[i] * scale[row] * update[i];
  }
}

template void rms_norm(const float*, const float*, double, int64_t, int64_t, int64_t, float*,
                       float*);
template void rms_norm(const double*, const double*, double, int64_t, int64_t, int64_t, double*,
                       double*);
template void rms_norm_backward(const float*, const float*, const float*, const float*, int64_t,
                                int64_t, int64_t, float*);
template void rms_norm_backward(const double*, const double*, const double*, const double*, int64_t,
                                int64_t, int64_t, double*);
template void rms_norm_response(const float*, const float*, const float*, int64_t, int64_t, int64_t,
                                float*);
template void rms_norm_response(const double*, const double*, const double*, int64_t, int64_t,
                                int64_t, double*);

}  // namespace explaind::kernels
