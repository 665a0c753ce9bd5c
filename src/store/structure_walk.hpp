#pragma once
// All of an HDF5 file but its numbers, looked at once.

#include <filesystem>
#include <functional>
#include <string>

namespace explaind {

/// Visits every group, dataset and attribute of a file, reads attributes, texts of variable length
/// and the indices of chunks: what HDF5 may crash on, or go round in for ever, where a file is
/// damaged. Reads no scores. `at` is told each object before it is opened.
///
/// Returns what cannot be true of a file that is whole: "psi says that it has 10 kB, and 8 kB are
/// in the file"; empty where nothing was found. What HDF5 refuses with an error is passed over:
/// whoever reads it meets the error again.
std::string walk_structure(const std::filesystem::path& file,
                           const std::function<void(const std::string& object)>& at);

}  // namespace explaind
