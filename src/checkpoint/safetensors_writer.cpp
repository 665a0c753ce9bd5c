#include "checkpoint/safetensors_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <system_error>

#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& call, int code) {
  throw DataError(path.string(), call + ": " + std::generic_category().message(code));
}

/// A file being written under a temporary name; removed unless `publish` is reached.
class NewFile {
 public:
  explicit NewFile(const fs::path& path) : path_(path), temporary_(path.string() + ".tmp") {
    constexpr int mode = 0644;
    // NOLINTNEXTLINE: variadic in C
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (descriptor_ < 0) fail(temporary_, "cannot be created", errno);
  }
  ~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!published_) ::unlink(temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      // Linux writes at most 2 GiB a call.
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(temporary_, "cannot be written", errno);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  /// Puts the complete file in its place.
  void publish() {
    if (::fsync(descriptor_) != 0) fail(temporary_, "cannot be synced to disk", errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail(temporary_, "cannot be closed", errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "cannot be renamed", errno);
    published_ = true;
    const fs::path parent = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    // NOLINTNEXTLINE: variadic in C
    const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) fail(parent, "cannot be opened", errno);
    const int synced = ::fsync(directory);
    const int code = errno;
    ::close(directory);
    // Some network file systems know no sync of directories.
    if (synced != 0 && code != EINVAL) fail(parent, "cannot be synced to disk", code);
  }

 private:
  fs::path path_, temporary_;
  int descriptor_ = -1;
  bool published_ = false;
};

std::vector<const TensorView*> file_order(std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  std::set<std::string> names{"__metadata__"};
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw std::invalid_argument("tensor name given twice or reserved: " + tensor.name);
    }
    if (tensor.bytes != static_cast<size_t>(tensor.elements()) * dtype_size(tensor.dtype)) {
      throw std::invalid_argument("bytes are not shape × dtype: " + tensor.name);
    }
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return dtype_size(a->dtype) > dtype_size(b->dtype);
  });
  return order;
}

/// Length and JSON, padded with spaces to a multiple of 8 bytes.
std::string header_bytes(const std::vector<const TensorView*>& order,
                         const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const TensorView* tensor : order) {
    header[tensor->name] = {{"dtype", to_string(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + tensor->bytes}}};
    offset += tensor->bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string length(8, '\0');
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xffU);
  return length + text;
}

}  // namespace

void write_safetensors(const fs::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<const TensorView*> order = file_order(tensors);
  const std::string header = header_bytes(order, metadata);
  NewFile file(path);
  file.write(std::as_bytes(std::span(header)));
  for (const TensorView* tensor : order) file.write({tensor->data, tensor->bytes});
  file.publish();
}

}  // namespace explaind
