#pragma once
// RMS norm over the last axis, its backward pass, and what the gain's score needs.
//
// Legend: R rows (batch × positions), C columns. x, y, delta: R C, C fastest. With s = 1/√(mean x²
// + ε) of a row: y = s x ⊙ g. Sums over a row are formed in double, in eight interleaved partial
// sums added pairwise.

#include "kernels/norm_rows.hpp"
#include "kernels/range.hpp"

namespace explaind::kernels {

/// y and scale (R: s of each row). Floor: x read, y written once.
template <typename Real>
void rms_norm(const NormRows<Real>& in, double epsilon, Range rows, Real* y, Real* scale);

/// input_gradient = s (g ⊙ δ) − x s³/C Σ(g ⊙ δ ⊙ x), with δ = ∂F/∂y. Floor: x and δ read, the
/// result written once.
template <typename Real>
void rms_norm_backward(const NormRows<Real>& in, const Real* scale, const Real* delta, Range rows,
                       Real* input_gradient);

/// z = s x ⊙ Δg, the norm's response to the gain's update (method.md §5). Floor: x read, z written.
template <typename Real>
void rms_norm_response(const NormRows<Real>& in, const Real* scale, Range rows, Real* z);

}  // namespace explaind::kernels
