#include "checkpoint/torch_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "checkpoint/safetensors_file.hpp"
#include "checkpoint/unpickler.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

/// A tensor that repeats its storage takes this much more than the file at most.
constexpr size_t most_copied = 1U << 20;

std::span<const std::byte> storage_of(const PickledTensor& tensor, const TorchArchive& archive,
                                      const std::string& where) {
  const auto storage = archive.storages.find(tensor.storage);
  if (storage == archive.storages.end()) {
    throw DataError(where, fmt::format("the storage of the tensor \"{}\" is missing", tensor.name),
                    "Copy the file again");
  }
  return storage->second;
}

/// Checks that all elements lie inside the storage. Throws DataError naming the tensor.
void require_inside(const PickledTensor& tensor, std::span<const std::byte> storage,
                    const std::string& where) {
  const auto refuse = [&](const std::string& problem) {
    throw DataError(where, fmt::format("the tensor \"{}\" {}", tensor.name, problem),
                    "The file is damaged: copy it again, or save it again with PyTorch");
  };
  if (tensor.strides.size() != tensor.shape.size()) refuse("has strides of another rank");
  const auto stored = static_cast<int64_t>(storage.size() / dtype_size(tensor.dtype));
  if (tensor.storage_elements > stored) refuse("has a storage that is cut short");
  int64_t last = tensor.offset;  // the farthest element
  bool none = false;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    if (tensor.shape[axis] < 0 || tensor.strides[axis] < 0)
      refuse("has a negative extent or stride");
    none = none || tensor.shape[axis] == 0;
    int64_t step = 0;
    if (__builtin_mul_overflow(tensor.shape[axis] - (tensor.shape[axis] > 0 ? 1 : 0),
                               tensor.strides[axis], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      refuse("is larger than any file");
    }
  }
  if (tensor.offset < 0 || (none ? tensor.offset > stored : last >= stored)) {
    refuse("lies outside its storage");
  }
}

}  // namespace

TensorView view_in_archive(const PickledTensor& tensor, const TorchArchive& archive,
                           ContiguousCopies& copies, const std::string& where) {
  const std::span<const std::byte> storage = storage_of(tensor, archive, where);
  require_inside(tensor, storage, where);
  TensorView view{.name = std::string(tensor.name),
                  .dtype = tensor.dtype,
                  .shape = tensor.shape,
                  .data = nullptr,
                  .bytes = 0};
  const size_t size = dtype_size(tensor.dtype);
  if (is_contiguous(tensor)) {
    view.data = storage.data() + static_cast<size_t>(tensor.offset) * size;
    view.bytes = static_cast<size_t>(view.elements()) * size;
  } else {
    const std::span<const std::byte> rows = copies.copy(tensor, storage, where);
    view.data = rows.data();
    view.bytes = rows.size();
  }
  return view;
}

TorchData::TorchData(const std::filesystem::path& path, const RecordTypes& records)
    : file_(path),
      archive_(open_torch_archive(file_.bytes(), path.string())),
      root_(unpickle_plain_data(archive_.pickle, path.string(), records)),
      copies_(file_.bytes().size() + most_copied) {}

TensorView TorchData::view(const PickledTensor& tensor) const {
  const std::string where = file_.path().string();
  return view_in_archive(tensor, archive_, copies_, where);
}

TorchFile::TorchFile(const std::filesystem::path& path)
    : file_(path),
      archive_(open_torch_archive(file_.bytes(), path.string())),
      copies_(file_.bytes().size() + most_copied) {
  const std::string where = path.string();
  const StateDict state = unpickle_state_dict(archive_.pickle, where);
  std::set<std::string_view> names;
  for (const PickledTensor& tensor : state.tensors) {
    if (!names.insert(tensor.name).second) {
      throw DataError(where, fmt::format("the tensor \"{}\" is there twice", tensor.name),
                      "The file is damaged: copy it again, or save it again with PyTorch");
    }
    tensors_.push_back(view_in_archive(tensor, archive_, copies_, where));
  }
  const std::string file = path.filename().string();
  if (!state.entry.empty()) {
    notes_.push_back(
        fmt::format("{}: the weights are those of its entry \"{}\"", file, state.entry));
  } else if (!state.left.empty()) {
    notes_.push_back(fmt::format("{}: entries that are no tensors are ignored: {}", file,
                                 fmt::join(state.left, ", ")));
  }
  if (copies_.count() > 0) {
    notes_.push_back(
        fmt::format("{}: {} tensor{} do not lie row by row; a copy of {} is held in "
                    "memory",
                    file, copies_.count(), copies_.count() == 1 ? "" : "s",
                    format_bytes(static_cast<double>(copies_.bytes()))));
  }
}

std::shared_ptr<const WeightFile> open_weight_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  refuse_foreign_content(text, path.string());
  // By content, whatever the name: a zip archive never begins a safetensors file, nor "{" at its
  // ninth byte one of torch.save.
  const bool safetensors = text.size() > 8 && text[8] == '{';
  if (is_zip(file.bytes()) || (path.extension() != ".safetensors" && !safetensors)) {
    return std::make_shared<const TorchFile>(path);
  }
  return std::make_shared<const SafetensorsFile>(path);
}

}  // namespace explaind
