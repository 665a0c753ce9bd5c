#include "kernels/interpolate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "core/widen.hpp"
#include "kernels/vector_clones.hpp"

namespace explaind::kernels {
namespace {

/// Elements widened at a time: both operands stay in the first-level cache.
constexpr int64_t block = 2048;

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
void widen(StoredValues endpoint, int64_t begin, int64_t end, Real* out) {
  widen_values(endpoint, begin, std::span<Real>(out + begin, static_cast<size_t>(end - begin)));
}

template <typename Real>
void difference(StoredValues from, StoredValues to, int64_t begin, int64_t end, Real* delta) {
  std::array<Real, block> start;
  for (int64_t first = begin; first < end; first += block) {
    const int64_t count = std::min(block, end - first);
    const auto size = static_cast<size_t>(count);
    widen_values(from, first, std::span<Real>(start.data(), size));
    widen_values(to, first, std::span<Real>(delta + first, size));
    subtract_of(start.data(), count, delta + first);
  }
}

template <typename Real>
void interpolate(StoredValues from, const Real* delta, Real t, int64_t begin, int64_t end,
                 Real* out) {
  for (int64_t first = begin; first < end; first += block) {
    const int64_t count = std::min(block, end - first);
    widen_values(from, first, std::span<Real>(out + first, static_cast<size_t>(count)));
    add_scaled_of(delta + first, t, count, out + first);
  }
}

namespace {

Bfloat16 rounded(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const bool nan = (bits & 0x7fffffffU) > 0x7f800000U;
  return {
      static_cast<uint16_t>((nan ? bits | 0x400000U : bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16)};
}

/// f(from, to) of every element, rounded.
template <typename F>
void round_each(StoredValues from, StoredValues to, int64_t begin, int64_t end, Bfloat16* out,
                const F& f) {
  std::array<float, block> start, stop;
  for (int64_t first = begin; first < end; first += block) {
    const int64_t count = std::min(block, end - first);
    const auto size = static_cast<size_t>(count);
    widen_values(from, first, std::span<float>(start.data(), size));
    widen_values(to, first, std::span<float>(stop.data(), size));
    for (size_t i = 0; i < size; ++i) {
      out[first + static_cast<int64_t>(i)] = rounded(f(start[i], stop[i]));
    }
  }
}

}  // namespace

void round(StoredValues endpoint, int64_t begin, int64_t end, Bfloat16* out) {
  round_each(endpoint, endpoint, begin, end, out, [](float from, float) { return from; });
}

void round_difference(StoredValues from, StoredValues to, int64_t begin, int64_t end,
                      Bfloat16* delta) {
  round_each(from, to, begin, end, delta, [](float a, float b) { return b - a; });
}

void interpolate_between(StoredValues from, StoredValues to, float t, int64_t begin, int64_t end,
                         Bfloat16* out) {
  round_each(from, to, begin, end, out, [t](float a, float b) { return a + t * (b - a); });
}

template void widen(StoredValues, int64_t, int64_t, float*);
template void widen(StoredValues, int64_t, int64_t, double*);
template void difference(StoredValues, StoredValues, int64_t, int64_t, float*);
template void difference(StoredValues, StoredValues, int64_t, int64_t, double*);
template void interpolate(StoredValues, const float*, float, int64_t, int64_t, float*);
template void interpolate(StoredValues, const double*, double, int64_t, int64_t, double*);

}  // namespace explaind::kernels
