#pragma once
// A bfloat16 as its bits: what kernels write where products are formed in bf16.

#include <cstdint>

namespace explaind::kernels {

/// The upper half of an fp32 number.
struct Bfloat16 {
  uint16_t bits;
};

/// The type in which a kernel computes what it writes as Out.
template <typename Out>
struct Arithmetic {
  using type = Out;
};
template <>
struct Arithmetic<Bfloat16> {
  using type = float;
};

}  // namespace explaind::kernels
