#include "claims/leftovers.hpp"

#include <algorithm>
#include <system_error>

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Whether the name goes on with ".TAG" of one of the tags, to its end or to another full stop.
bool carries(const std::string& name, size_t from, const std::vector<std::string>& tags) {
  return std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
    const size_t at = name.find("." + tag, from);
    if (at == std::string::npos) return false;
    const size_t end = at + 1 + tag.size();
    return end == name.size() || name[end] == '.';
  });
}

void remove(const std::vector<fs::path>& paths) {
  std::error_code ignored;
  for (const fs::path& path : paths) fs::remove_all(path, ignored);
}

}  // namespace

void remove_unfinished_of(const fs::path& path, const std::vector<std::string>& tags) {
  if (tags.empty()) return;
  const std::string own = path.filename().string();
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(own + ".") && carries(name, own.size(), tags)) {
      found.push_back(entry.path());
    }
  }
  remove(found);
}

void remove_unfinished_in(const fs::path& folder, const std::vector<std::string>& tags) {
  if (tags.empty()) return;
  std::vector<fs::path> found;
  std::error_code ignored;
  for (auto entry = fs::recursive_directory_iterator(folder, ignored);
       entry != fs::recursive_directory_iterator(); entry.increment(ignored)) {
    if (carries(entry->path().filename().string(), 0, tags)) {
      found.push_back(entry->path());
      entry.disable_recursion_pending();
    }
  }
  remove(found);
}

}  // namespace explaind
