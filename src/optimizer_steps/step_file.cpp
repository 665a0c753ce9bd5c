#include "optimizer_steps/step_file.hpp"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/alignment.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

at::ScalarType type_of(Dtype dtype) { return dtype == Dtype::f64 ? at::kDouble : at::kFloat; }

at::Tensor tensor_over(const TensorView& view) {
  // The mapping is writable where this is asked for.
  auto* data = const_cast<std::byte*>(view.data);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  return at::from_blob(data, view.shape, at::TensorOptions().dtype(type_of(view.dtype)));
}

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int code) {
  throw DataError(path.string(), std::string(what) + ": " + std::strerror(code),
                  "The parts of a step need room beside the store: a copy of the model each");
}

}  // namespace

StepFile::StepFile(std::filesystem::path path, Layout layout, bool writable)
    : path_(std::move(path)), layout_(std::move(layout)) {
  for (int64_t array = 0; array <= layout_.parts; ++array) {
    const size_t size = dtype_size(array == 0 ? layout_.end : layout_.part);
    for (const NamedShape& parameter : layout_.parameters) {
      offsets_.push_back(size_);
      if (array == 0 && !layout_.has_end) continue;
      size_t bytes = size;
      for (const int64_t length : parameter.shape) bytes *= static_cast<size_t>(length);
      size_ += aligned(bytes);
    }
  }
  const Descriptor file(
      open(path_.c_str(), (writable ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0644));
  if (file.number < 0) fail(path_, "cannot be opened", errno);
  if (writable) {
    const int failure = posix_fallocate(file.number, 0, static_cast<off_t>(size_));
    if (failure != 0) fail(path_, "cannot be allocated", failure);
  }
  // Pages beyond a file's end are no memory: reading them ends the program.
  struct stat status {};
  if (fstat(file.number, &status) != 0) fail(path_, "cannot be examined", errno);
  if (static_cast<size_t>(status.st_size) != size_) {
    throw DataError(
        path_.string(),
        "is " + std::to_string(status.st_size) + " bytes long and not " + std::to_string(size_),
        "Something else has changed it: start again");
  }
  void* mapped = mmap(nullptr, size_, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                      file.number, 0);
  if (mapped == MAP_FAILED) fail(path_, "cannot be mapped", errno);
  data_ = static_cast<std::byte*>(mapped);
}

void StepFile::sync() const {
  if (msync(data_, size_, MS_SYNC) != 0) fail(path_, "cannot be synced to disk", errno);
}

StepFile::~StepFile() { munmap(data_, size_); }

TensorView StepFile::view(int64_t array, size_t parameter) const {
  const NamedShape& info = layout_.parameters[parameter];
  TensorView view{
      .name = info.name,
      .dtype = array == 0 ? layout_.end : layout_.part,
      .shape = info.shape,
      .data = data_ + offsets_[static_cast<size_t>(array) * layout_.parameters.size() + parameter],
      .bytes = 0};
  view.bytes = static_cast<size_t>(view.elements()) * dtype_size(view.dtype);
  return view;
}

TensorView StepFile::end(size_t parameter) const { return view(0, parameter); }
TensorView StepFile::part(int64_t index, size_t parameter) const {
  return view(index + 1, parameter);
}
at::Tensor StepFile::mutable_end(size_t parameter) const { return tensor_over(end(parameter)); }
at::Tensor StepFile::mutable_part(int64_t index, size_t parameter) const {
  return tensor_over(part(index, parameter));
}

}  // namespace explaind
