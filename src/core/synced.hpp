#pragma once
// What a power failure does not take.

#include <filesystem>
#include <string>

namespace explaind {

/// After these what is in a file, or which names are in a folder, lasts even where the power fails.
/// Throws DataError with the system's reason; a folder that cannot be opened or synced for want of
/// permission, or on a network file system that knows no such thing, is passed over.
void sync_file(const std::filesystem::path& file, const std::string& remedy = "");
void sync_directory(const std::filesystem::path& folder, const std::string& remedy = "");

}  // namespace explaind
