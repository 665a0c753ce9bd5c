#pragma once
// What a norm goes over.

#include <cstdint>

namespace explaind::kernels {

/// Rows of C columns, C fastest, and what each column is multiplied by.
template <typename Real>
struct NormRows {
  const Real* x = nullptr;
  const Real* factors = nullptr;  ///< C: the gain g, or its update Δg
  int64_t columns = 0;            ///< C
};

}  // namespace explaind::kernels
