#include "kernels/contract.hpp"

#include <array>
#include <cstddef>

#include "kernels/vector_clones.hpp"

namespace explaind::kernels {
namespace {

constexpr int64_t lanes = 8;

/// Pairwise, so that the order does not depend on how the compiler vectorised the lanes.
double sum_lanes(const std::array<double, lanes>& sums) {
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

template <typename Real>
[[gnu::always_inline]] inline void add_products(const Real* delta, const Real* z, int64_t begin,
                                                int64_t end, double* out) {
  for (int64_t n = begin; n < end; ++n) {
    out[n] += static_cast<double>(delta[n]) * static_cast<double>(z[n]);
  }
}

template <typename Real>
[[gnu::always_inline]] inline double dot(const Real* delta, const Real* z, int64_t begin,
                                         int64_t end) {
  std::array<double, lanes> sums{};
  int64_t n = begin;
  for (; n + lanes <= end; n += lanes) {
    for (int64_t i = 0; i < lanes; ++i) {
      sums[static_cast<size_t>(i)] +=
          static_cast<double>(delta[n + i]) * static_cast<double>(z[n + i]);
    }
  }
  for (int64_t i = 0; n + i < end; ++i) {
    sums[static_cast<size_t>(i)] +=
        static_cast<double>(delta[n + i]) * static_cast<double>(z[n + i]);
  }
  return sum_lanes(sums);
}

template <typename Real>
[[gnu::always_inline]] inline void multiply(const Real* delta, const Real* z, int64_t columns,
                                            double* out) {
  for (int64_t n = 0; n < columns; ++n) {
    out[n] = static_cast<double>(delta[n]) * static_cast<double>(z[n]);
  }
}

// target_clones wants plain functions, hence one per type instead of a template.
EXPLAIND_VECTOR_CLONES void add_products_of(const float* delta, const float* z, int64_t begin,
                                            int64_t end, double* out) {
  add_products(delta, z, begin, end, out);
}
EXPLAIND_VECTOR_CLONES void add_products_of(const double* delta, const double* z, int64_t begin,
                                            int64_t end, double* out) {
  add_products(delta, z, begin, end, out);
}
EXPLAIND_VECTOR_CLONES double dot_of(const float* delta, const float* z, int64_t begin,
                                     int64_t end) {
  return dot(delta, z, begin, end);
}
EXPLAIND_VECTOR_CLONES double dot_of(const double* delta, const double* z, int64_t begin,
                                     int64_t end) {
  return dot(delta, z, begin, end);
}
EXPLAIND_VECTOR_CLONES void multiply_of(const float* delta, const float* z, int64_t columns,
                                        double* out) {
  multiply(delta, z, columns, out);
}
EXPLAIND_VECTOR_CLONES void multiply_of(const double* delta, const double* z, int64_t columns,
                                        double* out) {
  multiply(delta, z, columns, out);
}

}  // namespace

template <typename Real>
void contract_positions(Rows<Real> delta, Rows<Real> z, int64_t positions, Range columns,
                        double* out) {
  for (int64_t n = columns.begin; n < columns.end; ++n) out[n] = 0;
  for (int64_t t = 0; t < positions; ++t) {
    add_products_of(delta.at(t), z.at(t), columns.begin, columns.end, out);
  }
}

template <typename Real>
void contract_columns(Rows<Real> delta, Rows<Real> z, int64_t positions, Range columns, double* out,
                      int64_t out_stride) {
  for (int64_t t = 0; t < positions; ++t) {
    out[t * out_stride] = dot_of(delta.at(t), z.at(t), columns.begin, columns.end);
  }
}

template <typename Real>
void contract_nothing(Rows<Real> delta, Rows<Real> z, int64_t positions, int64_t columns,
                      double* out, int64_t out_stride) {
  for (int64_t t = 0; t < positions; ++t) {
    multiply_of(delta.at(t), z.at(t), columns, out + t * out_stride);
  }
}

double ordered_sum(const double* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

template void contract_positions(Rows<float>, Rows<float>, int64_t, Range, double*);
template void contract_positions(Rows<double>, Rows<double>, int64_t, Range, double*);
template void contract_columns(Rows<float>, Rows<float>, int64_t, Range, double*, int64_t);
template void contract_columns(Rows<double>, Rows<double>, int64_t, Range, double*, int64_t);
template void contract_nothing(Rows<float>, Rows<float>, int64_t, int64_t, double*, int64_t);
template void contract_nothing(Rows<double>, Rows<double>, int64_t, int64_t, double*, int64_t);

}  // namespace explaind::kernels
