#include "checkpoint/layouts/put_together.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "core/byte_size.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// A new file that no folder lists.
int nameless_file(const std::filesystem::path& folder) {
  const int number = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);  // NOLINT
  if (number >= 0) return number;
  std::string name = (folder / "explaind-XXXXXX").string();  // not all file systems have O_TMPFILE
  const int made = ::mkostemp(name.data(), O_CLOEXEC);
  if (made >= 0) ::unlink(name.c_str());
  return made;
}

/// Such a file of that size, mapped for writing: at an address that is reserved, or anywhere.
std::byte* map_nameless(void* address, size_t size, const std::string& where) {
  std::error_code none;
  std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  if (none) folder = "/tmp";
  const int file = nameless_file(folder);
  int failure = file < 0 ? errno : 0;
  // All of it now: a full disk would otherwise end the program at the first write.
  if (failure == 0) failure = ::posix_fallocate(file, 0, static_cast<off_t>(size));
  void* mapped = MAP_FAILED;
  if (failure == 0) {
    mapped = ::mmap(address, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | (address == nullptr ? 0 : MAP_FIXED), file, 0);
    if (mapped == MAP_FAILED) failure = errno;
  }
  if (file >= 0) ::close(file);
  if (failure != 0) {
    throw DataError(where,
                    "its tensors lie in parts, and putting them together takes " +
                        format_bytes(static_cast<double>(size)) + " in " + folder.string() + ": " +
                        std::generic_category().message(failure),
                    "Let TMPDIR name a folder with room for the weights of the series");
  }
  return static_cast<std::byte*>(mapped);
}

}  // namespace

PutTogether::PutTogether(size_t bytes, const std::string& where) : size_(bytes) {
  if (size_ > 0) data_ = map_nameless(nullptr, size_, where);
}

PutTogether::~PutTogether() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

std::span<std::byte> PutTogether::take(size_t bytes) {
  if (rounded(bytes) > size_ - taken_) throw std::out_of_range("no room for the tensor");
  const size_t first = taken_;
  taken_ += rounded(bytes);
  return {data_ + first, bytes};
}

LateRoom::LateRoom(size_t bytes, std::string where) : size_(bytes), where_(std::move(where)) {
  if (size_ == 0) return;
  void* reserved =
      ::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    throw DataError(where_, "there are no addresses for " +
                                format_bytes(static_cast<double>(size_)) +
                                " of its tensors: " + std::generic_category().message(errno));
  }
  data_ = static_cast<std::byte*>(reserved);
}

LateRoom::~LateRoom() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

void LateRoom::fill(const std::function<void()>& write) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (filled_ || size_ == 0) return;
  map_nameless(data_, size_, where_);
  write();
  ::mprotect(data_, size_, PROT_READ);
  filled_ = true;
}

}  // namespace explaind
