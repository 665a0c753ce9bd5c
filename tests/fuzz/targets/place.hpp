#pragma once
// Files for readers that take a path. With TMPDIR in memory they cost microseconds.

#include <filesystem>
#include <fstream>
#include <string_view>

#include "unit/temporary_folder.hpp"

namespace explaind::testing {

inline void put(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace explaind::testing
