#pragma once
// A parameter on the straight segment between two stored endpoints.

#include <cstdint>

#include "checkpoint/tensor_view.hpp"

namespace explaind::kernels {

// All ranges are [begin, end) of the tensors' elements in memory order, so that callers may split
// them over threads. Stored values (bf16, fp16, fp32, fp64) are widened to Real before anything is
// computed: θ + tΔ is not representable in bf16. Floor: the stored bytes of each endpoint read
// once, sizeof(Real) read or written per operand.

/// out = endpoint, widened.
template <typename Real>
void widen(const TensorView& endpoint, int64_t begin, int64_t end, Real* out);

/// delta = to − from.
template <typename Real>
void difference(const TensorView& from, const TensorView& to, int64_t begin, int64_t end,
                Real* delta);

/// out = from + t · delta.
template <typename Real>
void interpolate(const TensorView& from, const Real* delta, Real t, int64_t begin, int64_t end,
                 Real* out);

}  // namespace explaind::kernels
