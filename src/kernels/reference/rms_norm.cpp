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
void rms_norm(const NormRows<Real>& in, double epsilon, Range rows, Real* y, Real* scale) {
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t first = row * in.columns;
    forward_of(in.x + first, in.factors, epsilon, in.columns, y + first, scale[row]);
  }
}

template <typename Real>
void rms_norm_backward(const NormRows<Real>& in, const Real* scale, const Real* delta, Range rows,
                       Real* input_gradient) {
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t first = row * in.columns;
    backward_of(in.x + first, in.factors, scale[row], delta + first, in.columns,
                input_gradient + first);
  }
}

template <typename Real>
void rms_norm_response(const NormRows<Real>& in, const Real* scale, Range rows, Real* z) {
  const Real* update = in.factors;
  const int64_t columns = in.columns;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Real* x = in.x + row * columns;
    Real* out = z + row * columns;
    for (int64_t i = 0; i < columns; ++i) out[i] = x[i] * scale[row] * update[i];
  }
}

template void rms_norm(const NormRows<float>&, double, Range, float*, float*);
template void rms_norm(const NormRows<double>&, double, Range, double*, double*);
template void rms_norm_backward(const NormRows<float>&, const float*, const float*, Range, float*);
template void rms_norm_backward(const NormRows<double>&, const double*, const double*, Range,
                                double*);
template void rms_norm_response(const NormRows<float>&, const float*, Range, float*);
template void rms_norm_response(const NormRows<double>&, const double*, Range, double*);

}  // namespace explaind::kernels
