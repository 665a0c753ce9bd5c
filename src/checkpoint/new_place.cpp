#include "checkpoint/new_place.hpp"

#include <system_error>

#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"

namespace explaind {
NewPlace::NewPlace(const std::filesystem::path& path, Kind kind)
    : path_(path.has_filename() ? path : path.parent_path()), kind_(kind) {
  const bool there = std::filesystem::exists(path_);
  if (there && (kind == Kind::folder || !std::filesystem::is_regular_file(path_))) {
    throw DataError(path_.string(),
                    kind == Kind::folder ? "is there already" : "is there, and is no file",
                    "Name another, or remove it first");
  }
  unfinished_ = unfinished_path(path_);
  if (kind == Kind::file) return;
  std::error_code failure;
  std::filesystem::create_directory(unfinished_, failure);
  if (failure) throw DataError(path_.string(), "cannot be created: " + failure.message());
}

NewPlace::~NewPlace() {
  std::error_code ignored;
  if (!published_) std::filesystem::remove_all(unfinished_, ignored);
}

void NewPlace::publish() {
  if (kind_ == Kind::folder) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(unfinished_)) {
      if (entry.is_regular_file()) sync_file(entry.path());
      if (entry.is_directory()) sync_directory(entry.path());
    }
    sync_directory(unfinished_);
  } else {
    sync_file(unfinished_);
  }
  std::error_code failure;
  std::filesystem::rename(unfinished_, path_, failure);
  if (failure) throw DataError(path_.string(), "cannot be renamed: " + failure.message());
  published_ = true;
  sync_directory(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
}

}  // namespace explaind
