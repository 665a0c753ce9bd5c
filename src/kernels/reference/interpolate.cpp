#include "kernels/interpolate.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "checkpoint/convert.hpp"
#include "kernels/vector_clones.hpp"

namespace explaind::kernels {
namespace {

/// Elements widened at a time: both operands stay in the first-level cache.
constexpr int64_t block = 2048;

void widen_into(const TensorView& view, int64_t first, std::span<float> out) {
  to_float(view, first, out);
}
void widen_into(const TensorView& view, int64_t first, std::span<double> out) {
  to_double(view, first, out);
}

template <typename Real>
[[gnu::always_inline]] inline void subtract(const Real* from, int64_t count, Real* to) {
  for (int64_t i = 0; i < count; ++i) to[i] -= from[i];
}
EXPLAIND_VECTOR_CLONES void subtract_of(const float* from, int64_t count, float* to) {
  subtract(from, count, to);
}
EXPLAIND_VECTOR_CLONES void subtract_of(const double* from, int64_t count, double* to) {
  subtract(from, count, to);
}

template <typename Real>
[[gnu::always_inline]] inline void add_scaled(const Real* delta, Real t, int64_t count, Real* out) {
  for (int64_t i = 0; i < count; ++i) out[i] += t * delta[i];
}
EXPLAIND_VECTOR_CLONES void add_scaled_of(const float* delta, float t, int64_t count, float* out) {
  add_scaled(delta, t, count, out);
}
EXPLAIND_VECTOR_CLONES void add_scaled_of(const double* delta, double t, int64_t count,
                                          double* out) {
  add_scaled(delta, t, count, out);
}

}  // namespace

template <typename Real>
void widen(const TensorView& endpoint, int64_t begin, int64_t end, Real* out) {
  widen_into(endpoint, begin, std::span<Real>(out + begin, static_cast<size_t>(end - begin)));
}

template <typename Real>
void difference(const TensorView& from, const TensorView& to, int64_t begin, int64_t end,
                Real* delta) {
  std::array<Real, block> start;
  for (int64_t first = begin; first < end; first += block) {
    const int64_t count = std::min(block, end - first);
    const auto size = static_cast<size_t>(count);
    widen_into(from, first, std::span<Real>(start.data(), size));
    widen_into(to, first, std::span<Real>(delta + first, size));
    subtract_of(start.data(), count, delta + first);
  }
}

template <typename Real>
void interpolate(const TensorView& from, const Real* delta, Real t, int64_t begin, int64_t end,
                 Real* out) {
  for (int64_t first = begin; first < end; first += block) {
    const int64_t count = std::min(block, end - first);
    widen_into(from, first, std::span<Real>(out + first, static_cast<size_t>(count)));
    add_scaled_of(delta + first, t, count, out + first);
  }
}

template void widen(const TensorView&, int64_t, int64_t, float*);
template void widen(const TensorView&, int64_t, int64_t, double*);
template void difference(const TensorView&, const TensorView&, int64_t, int64_t, float*);
template void difference(const TensorView&, const TensorView&, int64_t, int64_t, double*);
template void interpolate(const TensorView&, const float*, float, int64_t, int64_t, float*);
template void interpolate(const TensorView&, const double*, double, int64_t, int64_t, double*);

}  // namespace explaind::kernels
