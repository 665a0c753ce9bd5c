#include "checkpoint/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& call) {
  throw DataError(path.string(), call + ": " + std::generic_category().message(errno));
}

}  // namespace

MappedFile::MappedFile(std::filesystem::path path) : path_(std::move(path)) {
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));  // NOLINT: variadic in C
  if (file.number() < 0) fail(path_, "cannot be opened");
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) fail(path_, "cannot be examined");
  if (!S_ISREG(status.st_mode)) throw DataError(path_.string(), "is not a regular file");
  constexpr int64_t nanoseconds = 1000000000;
  modified_ = status.st_mtim.tv_sec * nanoseconds + status.st_mtim.tv_nsec;
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;  // a mapping of nothing is refused by the kernel
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.number(), 0);
  if (mapped == MAP_FAILED) fail(path_, "cannot be mapped into memory");
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() {
  // munmap takes a pointer to non-const although the pages are read-only.
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace explaind
