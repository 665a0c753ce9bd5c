#include "app/formats/npy.hpp"

#include <fmt/format.h>

namespace explaind {

std::string npy_header(const std::vector<int64_t>& shape) {
  std::string lengths;
  for (const int64_t length : shape) lengths += fmt::format("{}, ", length);
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}), }}", lengths);
  // Magic, version and length are ten bytes; the data begin at a multiple of 64.
  constexpr size_t before = 10, alignment = 64;
  header.append(alignment - (before + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  return bytes;
}

}  // namespace explaind
