#pragma once
// One pass over a tensor: how far it moved, what of it is not finite, and a fingerprint.

#include <cstdint>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// All sums in double, over finite elements; θ is the tensor, Δ what it moved since the checkpoint
/// before, Δ' what that had moved since the one before it.
struct TensorSums {
  double squares = 0;         ///< Σ θ²
  double change_squares = 0;  ///< Σ Δ²
  double turn = 0;            ///< Σ Δ Δ'
  int64_t changed = 0;        ///< elements with Δ ≠ 0
  int64_t nan = 0, infinite = 0;
  uint64_t fingerprint = 0;  ///< of the bytes; equal bytes have equal ones
  bool has_before = false, has_earlier = false;
};

/// Adds to `sums` elements [begin, end) of `here`; before and earlier: the same tensor at the two
/// checkpoints before, of the same shape, null where there is none. Ranges come in order, and two
/// tensors have comparable fingerprints where they came in the same ones. Of a tensor of integers
/// the fingerprint alone is formed.
void add_elements(const TensorView& here, const TensorView* before, const TensorView* earlier,
                  int64_t begin, int64_t end, TensorSums& sums);

/// Elements of a range.
inline constexpr int64_t pass_range = 1 << 16;

}  // namespace explaind
