#pragma once
// One name for what a path leads to.

#include <filesystem>

namespace explaind {

/// Absolute, with all links followed, also a link to a file that is not there yet: what is written
/// lands there, and two names of one file are the same. Throws DataError for links in a circle.
std::filesystem::path real_path(const std::filesystem::path& path);

}  // namespace explaind
