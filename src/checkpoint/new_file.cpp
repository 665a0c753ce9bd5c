#include "checkpoint/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& call, int code) {
  throw DataError(path.string(), call + ": " + std::generic_category().message(code));
}

}  // namespace

NewFile::NewFile(const fs::path& path) : path_(path), temporary_(unfinished_path(path)) {
  // A device or a pipe is written into; a name given in its place would only hide it.
  in_place_ = fs::exists(path) && !fs::is_regular_file(path) && !fs::is_directory(path);
  if (in_place_) temporary_ = path;
  constexpr int mode = 0644;
  // NOLINTNEXTLINE: variadic in C
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor_ < 0) fail(path_, "cannot be created", errno);
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!published_ && !in_place_) ::unlink(temporary_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // Linux writes at most 2 GiB a call.
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "cannot be written", errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void NewFile::publish() {
  if (!in_place_ && ::fsync(descriptor_) != 0) fail(path_, "cannot be synced to disk", errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail(path_, "cannot be closed", errno);
  if (in_place_) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "cannot be renamed", errno);
  published_ = true;
  sync_directory(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

void write_copy(const fs::path& source, const fs::path& path) {
  write_text_file(path, read_whole_file(source));
}

void write_text_file(const fs::path& path, std::string_view text) {
  NewFile file(path);
  file.write(std::as_bytes(std::span(text)));
  file.publish();
}

}  // namespace explaind
