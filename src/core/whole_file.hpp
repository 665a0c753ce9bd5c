#pragma once
// A file's bytes, all of them or an error.

#include <filesystem>
#include <string>

namespace explaind {

/// The bytes of a file. Throws DataError with its name where it cannot be read to its end: what has
/// been read of it by then is no shorter file.
std::string read_whole_file(const std::filesystem::path& path);

}  // namespace explaind
