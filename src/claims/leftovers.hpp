#pragma once
// What processes left unfinished (core/unfinished.hpp) and will not finish any more.

#include <filesystem>
#include <string>
#include <vector>

namespace explaind {

/// Removes what processes of these tags left unfinished beside `path`: PATH.TAG and PATH.TAG.*,
/// files and folders. Errors are ignored: it is room alone that is lost.
void remove_unfinished_of(const std::filesystem::path& path, const std::vector<std::string>& tags);

/// Removes whatever is unfinished in a folder and the folders in it.
void remove_unfinished_in(const std::filesystem::path& folder,
                          const std::vector<std::string>& tags);

}  // namespace explaind
