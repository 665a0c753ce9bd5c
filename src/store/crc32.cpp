#include "store/crc32.hpp"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace explaind {
namespace {

uint32_t by_zlib(uint32_t so_far, const unsigned char* data, size_t bytes) {
  return static_cast<uint32_t>(crc32_z(so_far, data, bytes));
}

#if defined(__x86_64__)

/// a times x^n and b times x^(n+64), n as in the constants, added to what lies n bits further on.
__attribute__((target("pclmul,sse4.1"))) __m128i folded(__m128i value, __m128i constants,
                                                        __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, constants, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, constants, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/// Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ" (Intel, 2009): four
/// lanes of 16 bytes are folded onto the next 64 bytes, then onto each other. What is left, 16
/// bytes with the same remainder, is divided by zlib. bytes: at least 64.
__attribute__((target("pclmul,sse4.1"))) uint32_t by_folding(uint32_t so_far,
                                                             const unsigned char* data,
                                                             size_t bytes) {
  const auto load = [](const unsigned char* from) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  // x^(4·128+32), x^(4·128−32) and x^(128+32), x^(128−32) modulo the reflected polynomial.
  const __m128i by_four = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_one = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  // The state goes in as if it were part of the message.
  __m128i lanes[4] = {_mm_xor_si128(load(data), _mm_cvtsi32_si128(static_cast<int>(~so_far))),
                      load(data + 16), load(data + 32), load(data + 48)};
  data += 64;
  bytes -= 64;
  for (; bytes >= 64; data += 64, bytes -= 64) {
    for (int lane = 0; lane < 4; ++lane) {
      lanes[lane] = folded(lanes[lane], by_four, load(data + 16 * lane));
    }
  }
  for (int lane = 1; lane < 4; ++lane) lanes[lane] = folded(lanes[lane - 1], by_one, lanes[lane]);
  unsigned char rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), lanes[3]);
  const uint32_t no_state = 0xffffffff;  // zlib inverts it
  return by_zlib(by_zlib(no_state, rest, sizeof(rest)), data, bytes);
}

#endif

}  // namespace

uint32_t crc32_of(uint32_t so_far, const void* data, size_t bytes) {
  const auto* first = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  static const bool multiplies =
      __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
  if (multiplies && bytes >= 64) return by_folding(so_far, first, bytes);
#endif
  return by_zlib(so_far, first, bytes);
}

}  // namespace explaind
