#pragma once
// What --overwrite may replace.

#include <filesystem>

namespace explaind {

/// True for a file that is an influence store of any version.
bool is_influence_store(const std::filesystem::path& path);

/// Throws DataError where a file is there and may not be replaced: `overwrite` is not set, or it is
/// no influence store (of any version), so that a mistyped path costs nobody anything.
void require_replaceable(const std::filesystem::path& path, bool overwrite);

}  // namespace explaind
