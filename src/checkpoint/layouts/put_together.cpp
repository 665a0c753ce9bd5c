#include "checkpoint/layouts/put_together.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

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

}  // namespace

PutTogether::PutTogether(size_t bytes, const std::string& where) : size_(bytes) {
  if (size_ == 0) return;
  std::error_code none;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  const int file = nameless_file(none ? std::filesystem::path("/tmp") : folder);
  int failure = file < 0 ? errno : 0;
  // All of it now: a full disk would otherwise end the program at the first write.
  if (failure == 0) failure = ::posix_fallocate(file, 0, static_cast<off_t>(size_));
  void* mapped = MAP_FAILED;
  if (failure == 0) {
    mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) failure = errno;
  }
  if (file >= 0) ::close(file);
  if (failure != 0) {
    throw DataError(where,
                    "its tensors lie in parts, and putting them together takes " +
                        format_bytes(static_cast<double>(size_)) + " in " + folder.string() + ": " +
                        std::generic_category().message(failure),
                    "Let TMPDIR name a folder with room for all of the series");
  }
  data_ = static_cast<std::byte*>(mapped);
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

}  // namespace explaind
