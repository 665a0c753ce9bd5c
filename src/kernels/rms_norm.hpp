#pragma once
// RMS norm over the last axis, its backward pass, and what the gain's score needs.
//
// Legend: R rows (batch × positions), C columns. x, y, delta: R C, C fastest. With s = 1/√(mean x²
// + ε) of a row: y = s x ⊙ g. Sums over a row are formed in double, in eight interleaved partial
// sums added pairwise. Rows [begin, end) only, so that callers may split them over threads.

#include <cstdint>

namespace explaind::kernels {

/// y and scale (R: s of each row). Floor: x read, y written once.
template <typename Real>
void rms_norm(const Real* x, const Real* gain, double epsilon, int64_t begin, int64_t end,
              int64_t columns, Real* y, Real* scale);

/// input_gradient = s (g ⊙ δ) − x s³/C Σ(g ⊙ δ ⊙ x), with δ = ∂F/∂y. Floor: x and δ read, the
/// result written once.
template <typename Real>
void rms_norm_backward(const Real* x, const Real* gain, const Real* scale, const Real* delta,
                       int64_t begin, int64_t end, int64_t columns, Real* input_gradient);

/// z = s x ⊙ Δg, the norm's response to the gain's update (method.md §5). Floor: x read, z written.
template <typename Real>
void rms_norm_response(const Real* x, const Real* update, const Real* scale, int64_t begin,
                       int64_t end, int64_t columns, Real* z);

}  // namespace explaind::kernels
