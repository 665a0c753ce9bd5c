#pragma once
// What --overwrite may replace.

#include <filesystem>
#include <string>

namespace explaind {

/// True for a file that is an influence store of any version.
bool is_influence_store(const std::filesystem::path& path);

/// Throws DataError where a file is there and may not be replaced: `overwrite` is not set, or it is
/// no influence store (of any version), so that a mistyped path costs nobody anything. named_by:
/// the option that names it; resumes: the verb can go on with it.
void require_replaceable(const std::filesystem::path& path, bool overwrite,
                         const std::string& named_by = "--store", bool resumes = true);

}  // namespace explaind
