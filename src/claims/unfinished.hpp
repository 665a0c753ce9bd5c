#pragma once
// Names for what is being written: only this process has them, and they say whose they are.

#include <filesystem>
#include <string>
#include <vector>

namespace explaind {

/// PATH.TAG.tmp beside `path`, TAG being this process's: nobody else's file, whatever is there.
std::filesystem::path unfinished_path(const std::filesystem::path& path);

/// Removes what processes of these tags left unfinished beside `path`: PATH.TAG and PATH.TAG.*,
/// files and folders. Errors are ignored: it is room alone that is lost.
void remove_unfinished_of(const std::filesystem::path& path, const std::vector<std::string>& tags);

/// The same inside a folder and the folders in it, whatever is unfinished there.
void remove_unfinished_in(const std::filesystem::path& folder,
                          const std::vector<std::string>& tags);

}  // namespace explaind
