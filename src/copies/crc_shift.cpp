#include "copies/crc_shift.hpp"

#include <zlib.h>

namespace explaind {

CrcShift::CrcShift(uint64_t bytes) : tables_() {
  for (size_t byte = 0; byte < tables_.size(); ++byte) {
    std::array<uint32_t, 256>& table = tables_.at(byte);
    for (size_t bit = 0; bit < 8; ++bit) {
      const uLong crc = uLong{1} << (8 * byte + bit);
      const auto shifted =
          static_cast<uint32_t>(crc32_combine(crc, 0, static_cast<z_off_t>(bytes)));
      for (size_t value = size_t{1} << bit; value < size_t{2} << bit; ++value) {
        table.at(value) = table.at(value - (size_t{1} << bit)) ^ shifted;
      }
    }
  }
}

}  // namespace explaind
