#pragma once
// Contractions of an operation's output gradient with its response to the update: the innermost
// sums of engine A.
//
// method.md §5: for y = op(x; W), linear in W, the score of W is ⟨δ, z⟩ with δ = ∂F/∂y and z =
// op(x; Δ). Which sums are left out decides what is scored: without the sum over columns rows of W,
// without the sum over positions where W was used.
//
// Legend: T positions of one sample, N outputs (or inputs, for column scores). delta, z: T N, N
// fastest. Products and sums are formed in double. Floor: each element of delta and z is read once,
// 2·sizeof(Real) bytes an element. Every function sums in a fixed order and writes only to `out`,
// so that callers may split N or T over threads.

#include <cstdint>

#include "kernels/range.hpp"

namespace explaind::kernels {

/// T rows of N values, `stride` elements apart (0: the same row at every position, as for a bias).
template <typename Real>
struct Rows {
  const Real* data = nullptr;
  int64_t stride = 0;

  [[nodiscard]] const Real* at(int64_t position) const { return data + position * stride; }
};

/// out[n] = Σ_t delta[t, n] z[t, n] for n in `columns`, t ascending. out: N.
template <typename Real>
void contract_positions(Rows<Real> delta, Rows<Real> z, int64_t positions, Range columns,
                        double* out);

/// out[t] = Σ_{n in columns} delta[t, n] z[t, n] for t in [0, T): eight interleaved partial
/// sums, added pairwise. out: T, `out_stride` apart.
template <typename Real>
void contract_columns(Rows<Real> delta, Rows<Real> z, int64_t positions, Range columns, double* out,
                      int64_t out_stride);

/// out[t, n] = delta[t, n] z[t, n], n in [0, columns). out rows `out_stride` apart.
template <typename Real>
void contract_nothing(Rows<Real> delta, Rows<Real> z, int64_t positions, int64_t columns,
                      double* out, int64_t out_stride);

/// Σ_i values[i] in ascending i.
double ordered_sum(const double* values, int64_t count);

}  // namespace explaind::kernels
