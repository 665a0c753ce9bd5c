#pragma once
// A parameter on the straight segment between two stored endpoints.

#include <cstdint>

#include "core/dtype.hpp"
#include "kernels/bfloat16.hpp"

namespace explaind::kernels {

// All ranges are [begin, end) of the tensors' elements in memory order, so that callers may split
// them over threads. Stored values (bf16, fp16, fp32, fp64) are widened to Real before anything is
// computed: θ + tΔ is not representable in bf16. Floor: the stored bytes of each endpoint read
// once, sizeof(Real) read or written per operand. Stored values are of a floating type and may be
// unaligned.

/// out = endpoint, widened.
template <typename Real>
void widen(StoredValues endpoint, int64_t begin, int64_t end, Real* out);

/// delta = to − from.
template <typename Real>
void difference(StoredValues from, StoredValues to, int64_t begin, int64_t end, Real* delta);

/// out = from + t · delta.
template <typename Real>
void interpolate(StoredValues from, const Real* delta, Real t, int64_t begin, int64_t end,
                 Real* out);

// Where products are formed in bf16: computed in fp32 from both endpoints and rounded once, to
// nearest, ties to even.

/// out = endpoint.
void round(StoredValues endpoint, int64_t begin, int64_t end, Bfloat16* out);
/// delta = to − from.
void round_difference(StoredValues from, StoredValues to, int64_t begin, int64_t end,
                      Bfloat16* delta);
/// out = from + t · (to − from).
void interpolate_between(StoredValues from, StoredValues to, float t, int64_t begin, int64_t end,
                         Bfloat16* out);

}  // namespace explaind::kernels
