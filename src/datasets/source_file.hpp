#pragma once
// What a run remembers of a file it took data from.

#include <filesystem>
#include <nlohmann/json.hpp>

namespace explaind {

/// {"name", "size", "sha256"}: where the file lies does not matter.
nlohmann::json identify_source(const std::filesystem::path& path);

}  // namespace explaind
