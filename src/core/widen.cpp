#include "core/widen.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace explaind {
namespace {

/// The element of type T (f64, f32) or bit pattern (16 and more bits) at index i.
template <typename T>
T load(const std::byte* data, size_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// All ones where `condition` holds, else 0.
uint32_t mask(bool condition) { return 0U - static_cast<uint32_t>(condition); }

/// Three exact cases joined with masks: compilers turn `?:` into a branch here and then do not
/// vectorise (5 times slower). None forms a subnormal float, so a thread that flushes those to zero
/// gets the same values.
float from_f16(uint16_t bits) {
  constexpr uint32_t rebias = (127 - 15) << 23, infinity = 0x7f800000U;
  constexpr float smallest = 0x1p-24F;
  const auto magnitude = static_cast<uint32_t>(bits & 0x7fffU);
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t is_subnormal = mask(magnitude < 0x0400U);
  const uint32_t normal = ((magnitude << 13) + rebias) | (infinity & mask(magnitude >= 0x7c00U));
  const auto subnormal =
      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * smallest);
  return std::bit_cast<float>((subnormal & is_subnormal) | (normal & ~is_subnormal) | sign);
}

template <typename Real>
void widen(StoredValues values, int64_t first, std::span<Real> out) {
  const std::byte* source = static_cast<const std::byte*>(values.data) +
                            static_cast<size_t>(first) * dtype_size(values.dtype);
  Real* target = out.data();
  const size_t n = out.size();
  switch (values.dtype) {
    case Dtype::f64:
      for (size_t i = 0; i < n; ++i) target[i] = static_cast<Real>(load<double>(source, i));
      break;
    case Dtype::f32:
      for (size_t i = 0; i < n; ++i) target[i] = static_cast<Real>(load<float>(source, i));
      break;
    case Dtype::f16:
      for (size_t i = 0; i < n; ++i) {
        target[i] = static_cast<Real>(from_f16(load<uint16_t>(source, i)));
      }
      break;
    default:
      for (size_t i = 0; i < n; ++i) {
        target[i] = static_cast<Real>(from_bf16(load<uint16_t>(source, i)));
      }
      break;
  }
}

}  // namespace

void widen_values(StoredValues values, int64_t first, std::span<float> out) {
  widen(values, first, out);
}

void widen_values(StoredValues values, int64_t first, std::span<double> out) {
  widen(values, first, out);
}

}  // namespace explaind
