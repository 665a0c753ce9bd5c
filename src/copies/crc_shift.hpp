#pragma once
// What a CRC-32 becomes when so many bytes follow: the same step again and again.

#include <array>
#include <cstdint>

namespace explaind {

/// zlib's crc32_combine(a, b, bytes) is shift(a) ^ b, and the shift is linear over the bits of a:
/// from 32 of zlib's answers it follows for all.
class CrcShift {
 public:
  explicit CrcShift(uint64_t bytes);
  [[nodiscard]] uint32_t operator()(uint32_t crc) const {
    return tables_[0][crc & 255U] ^ tables_[1][crc >> 8U & 255U] ^ tables_[2][crc >> 16U & 255U] ^
           tables_[3][crc >> 24U];
  }

 private:
  std::array<std::array<uint32_t, 256>, 4> tables_;
};

}  // namespace explaind
