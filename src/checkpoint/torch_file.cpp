#include "checkpoint/torch_file.hpp"

#include <fmt/format.h>

#include <set>

#include "checkpoint/safetensors_file.hpp"
#include "checkpoint/unpickler.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* save_again = "Save the checkpoint again with PyTorch 1.6 or later";

ZipArchive archive_of(const MappedFile& file) {
  const auto bytes = file.bytes();
  const bool zip = bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'};
  if (!zip) {
    throw DataError(file.path().string(), "is not a zip archive of torch.save", save_again);
  }
  return parse_zip(bytes, file.path().string());
}

/// Everything lies under one folder, whatever its name ("archive" or "pytorch_model").
std::string folder_of(const ZipArchive& archive, const std::string& where) {
  for (const auto& [name, bytes] : archive.entries) {
    if (name.ends_with("/data.pkl")) return name.substr(0, name.size() - 8);
  }
  throw DataError(where, "holds no data.pkl", save_again);
}

void require_byte_order(const ZipArchive& archive, const std::string& folder,
                        const std::string& where) {
  const auto order = archive.entries.find(folder + "byteorder");
  if (order != archive.entries.end() &&
      (order->second.empty() || order->second[0] != std::byte{'l'})) {
    throw DataError(where, "was written by a machine of another byte order", save_again);
  }
}

/// The tensor's elements, where they are contiguous and inside the storage.
TensorView view_of(const PickledTensor& tensor, std::span<const std::byte> storage,
                   const std::string& where) {
  const auto refuse = [&](const std::string& problem) {
    throw DataError(where, fmt::format("the tensor \"{}\" {}", tensor.name, problem), save_again);
  };
  if (tensor.strides.size() != tensor.shape.size()) refuse("has strides of another rank");
  int64_t elements = 1;
  for (size_t axis = tensor.shape.size(); axis-- > 0;) {
    const int64_t extent = tensor.shape[axis];
    if (extent < 0) refuse("has a negative extent");
    if (extent > 1 && tensor.strides[axis] != elements) refuse("is not contiguous");
    if (__builtin_mul_overflow(elements, extent, &elements)) refuse("is larger than any file");
  }
  const auto size = static_cast<int64_t>(dtype_size(tensor.dtype));
  const auto stored = static_cast<int64_t>(storage.size()) / size;
  if (tensor.storage_elements > stored) refuse("has a storage that is cut short");
  if (tensor.offset < 0 || elements > stored || tensor.offset > stored - elements) {
    refuse("lies outside its storage");
  }
  return {.name = tensor.name,
          .dtype = tensor.dtype,
          .shape = tensor.shape,
          .data = storage.data() + tensor.offset * size,
          .bytes = static_cast<size_t>(elements * size)};
}

}  // namespace

TorchData::TorchData(const std::filesystem::path& path)
    : file_(path), archive_(archive_of(file_)), folder_(folder_of(archive_, path.string())) {
  require_byte_order(archive_, folder_, path.string());
  root_ = unpickle_plain_data(archive_.entries.at(folder_ + "data.pkl"), path.string());
}

TensorView TorchData::view(const PickledTensor& tensor) const {
  const auto storage = archive_.entries.find(folder_ + "data/" + tensor.storage);
  if (storage == archive_.entries.end()) {
    throw DataError(file_.path().string(), "a tensor's storage is missing", save_again);
  }
  return view_of(tensor, storage->second, file_.path().string());
}

TorchFile::TorchFile(const std::filesystem::path& path) : file_(path), archive_(archive_of(file_)) {
  const std::string where = path.string(), folder = folder_of(archive_, where);
  require_byte_order(archive_, folder, where);
  std::set<std::string> names;
  for (const PickledTensor& tensor :
       unpickle_state_dict(archive_.entries.at(folder + "data.pkl"), where)) {
    const auto storage = archive_.entries.find(folder + "data/" + tensor.storage);
    if (storage == archive_.entries.end()) {
      throw DataError(where,
                      fmt::format("the storage of the tensor \"{}\" is missing", tensor.name),
                      save_again);
    }
    if (!names.insert(tensor.name).second) {
      throw DataError(where, fmt::format("the tensor \"{}\" is there twice", tensor.name),
                      save_again);
    }
    tensors_.push_back(view_of(tensor, storage->second, where));
  }
}

std::shared_ptr<const WeightFile> open_weight_file(const std::filesystem::path& path) {
  if (path.extension() == ".bin") return std::make_shared<const TorchFile>(path);
  return std::make_shared<const SafetensorsFile>(path);
}

}  // namespace explaind
