#pragma once
// Stored bits to numbers, and numbers to bfloat16, on the device.

#include <cstdint>
#include <cstring>

#include "kernels/cuda/launch.cuh"
#include "kernels/bfloat16.hpp"

namespace explaind::kernels::device {

struct HalfBits {
  uint16_t bits;
};

__device__ inline float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/// Exact, subnormals, infinities and NaN included.
__device__ inline float number(HalfBits half) {
  const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000u) << 16;
  const uint32_t exponent = (half.bits >> 10) & 0x1fu, mantissa = half.bits & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
    return sign == 0 ? magnitude : -magnitude;
  }
  const uint32_t widened = exponent == 0x1fu ? 0xffu : exponent + 112u;
  return float_of_bits(sign | (widened << 23) | (mantissa << 13));
}
__device__ inline float number(Bfloat16 value) {
  return float_of_bits(static_cast<uint32_t>(value.bits) << 16);
}
__device__ inline float number(float value) { return value; }
__device__ inline double number(double value) { return value; }

__device__ inline void put(float value, float& out) { out = value; }
__device__ inline void put(double value, double& out) { out = value; }
/// To nearest, ties to even.
__device__ inline void put(float value, Bfloat16& out) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const uint32_t rounded = nan ? bits | 0x400000u : bits + 0x7fffu + ((bits >> 16) & 1u);
  out.bits = static_cast<uint16_t>(rounded >> 16);
}

}  // namespace explaind::kernels::device
