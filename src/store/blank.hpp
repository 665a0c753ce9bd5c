#pragma once
// Space that holds one value again and again until it is written.

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace explaind {

struct Blank {
  uint64_t offset = 0, bytes = 0;  ///< in the file
  std::array<unsigned char, 8> value{};
  uint64_t width = 1;  ///< bytes of `value` that count
};

/// Reserves the whole file's blocks, writes every blank and syncs the file. A file with holes meets
/// a full disk hours later, and what nobody wrote would read as zeros. Throws DataError.
void preallocate(const std::filesystem::path& path, const std::vector<Blank>& blanks);

}  // namespace explaind
