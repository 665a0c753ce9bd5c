#include "store/unfinished_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"

namespace explaind {

UnfinishedFile::UnfinishedFile(std::filesystem::path target)
    : target_(std::move(target)), path_(unfinished_path(target_)) {}

UnfinishedFile::~UnfinishedFile() {
  std::error_code ignored;
  if (!moved_) std::filesystem::remove(path_, ignored);
}

void UnfinishedFile::move_to_place(const std::string& remedy) {
  if (std::rename(path_.c_str(), target_.c_str()) != 0) {
    throw DataError(target_.string(), std::string("cannot be renamed: ") + std::strerror(errno),
                    "Check permissions and space");
  }
  moved_ = true;
  sync_directory(target_.parent_path(), remedy);
}

}  // namespace explaind
