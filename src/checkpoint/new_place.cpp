#include "checkpoint/new_place.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "checkpoint/new_file.hpp"
#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"

namespace explaind {
namespace {

void sync_written(const std::filesystem::path& file, const std::filesystem::path& shown) {
  // NOLINTNEXTLINE: variadic in C
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (synced) return;
  throw DataError(shown.string(),
                  "cannot be synced to disk: " + std::generic_category().message(code));
}

}  // namespace

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
      if (entry.is_regular_file()) sync_written(entry.path(), path_);
      if (entry.is_directory()) sync_directory(entry.path());
    }
    sync_directory(unfinished_);
  } else {
    sync_written(unfinished_, path_);
  }
  std::error_code failure;
  std::filesystem::rename(unfinished_, path_, failure);
  if (failure) throw DataError(path_.string(), "cannot be renamed: " + failure.message());
  published_ = true;
  sync_directory(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
}

}  // namespace explaind
