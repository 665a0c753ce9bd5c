#pragma once
// zlib's CRC-32, as fast as memory where the processor multiplies polynomials.

#include <cstddef>
#include <cstdint>

namespace explaind {

/// The CRC-32 of the bytes so far (0: none) and these, the same as zlib's crc32. In 64-byte steps
/// by carry-less multiplication where the processor has it, else by zlib itself.
uint32_t crc32_of(uint32_t so_far, const void* data, size_t bytes);

}  // namespace explaind
