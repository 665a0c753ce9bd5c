#include "checkpoint/layouts/dcp_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "checkpoint/contiguous_copy.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/torch_archive.hpp"
#include "checkpoint/torch_file.hpp"
#include "checkpoint/unpickler.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {

namespace {

namespace fs = std::filesystem;

constexpr const char* copy_all_dcp = "Copy all files of the checkpoint again";

}  // namespace

/// A mapped file. What identifies it is, of the metadata, all of it, else the directories of the
/// slices that were read: sizes and CRC-32 of what is in them.
class DcpFiles::ShardFile final : public WeightFile {
 public:
  explicit ShardFile(const fs::path& path) : file_(path) {}

  void add_header(std::span<const std::byte> bytes) {
    header_.insert(header_.end(), bytes.begin(), bytes.end());
  }
  [[nodiscard]] const MappedFile& file() const override { return file_; }
  [[nodiscard]] const std::vector<TensorView>& tensors() const override { return tensors_; }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }
  [[nodiscard]] std::span<const std::byte> header() const override { return header_; }

 private:
  MappedFile file_;
  std::vector<std::byte> header_;
  std::vector<TensorView> tensors_;
  std::vector<std::string> notes_;
};

/// A file of torch.save inside a shard file.
class DcpFiles::Slice {
 public:
  Slice(std::span<const std::byte> bytes, const std::string& where)
      : archive(open_torch_archive(bytes, where)),
        root(unpickle_plain_data(archive.pickle, where)) {}

  TorchArchive archive;
  PlainData root;  ///< refers to the archive
};

DcpFiles::DcpFiles(const fs::path& folder)
    : folder_(folder), metadata_file_(std::make_shared<ShardFile>(folder / ".metadata")) {
  const std::span<const std::byte> bytes = metadata_file_->file().bytes();
  refuse_foreign_content({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, where());
  metadata_file_->add_header(bytes);
  metadata_ = read_dcp_metadata(bytes, where());
  files_.resize(metadata_.files.size());
  size_t bytes_of_all = 0;
  for (const std::string& name : metadata_.files) {
    std::error_code missing;
    bytes_of_all += fs::file_size(folder_ / name, missing);
    if (!missing) continue;
    throw DataError((folder_ / name).string(),
                    "is missing, and .metadata says that tensors lie in it", copy_all_dcp);
  }
  copies_ = std::make_unique<ContiguousCopies>(bytes_of_all);
}

DcpFiles::~DcpFiles() = default;

std::string DcpFiles::where() const { return (folder_ / ".metadata").string(); }

std::unique_ptr<DcpFiles::Slice> DcpFiles::open(const DcpSlice& slice,
                                                const std::string& name) const {
  const fs::path path = folder_ / metadata_.files[slice.file];
  std::shared_ptr<ShardFile>& file = files_[slice.file];
  if (file == nullptr) file = std::make_shared<ShardFile>(path);
  const std::span<const std::byte> bytes = file->file().bytes();
  if (slice.offset > bytes.size() || slice.length > bytes.size() - slice.offset) {
    throw DataError(path.string(),
                    fmt::format("is cut short: {} lies at {} to {}, and the file has {} bytes",
                                name, slice.offset, slice.offset + slice.length, bytes.size()),
                    copy_all_dcp);
  }
  const auto part = bytes.subspan(slice.offset, slice.length);
  if (part.size() > 8 && part[8] == std::byte{'{'}) {
    throw DataError(path.string(),
                    fmt::format("{} is stored as safetensors inside a .distcp file, which is not "
                                "read",
                                name),
                    "Save it in DCP's own format (SerializationFormat.TORCH_SAVE), or the model "
                    "as model.safetensors");
  }
  auto opened = std::make_unique<Slice>(part, fmt::format("{} ({})", path.string(), name));
  file->add_header(opened->archive.header);
  return opened;
}

BoxedTensor DcpFiles::tensor(const DcpEntry& entry) const {
  std::vector<Box> boxes;
  for (const DcpChunk& chunk : entry.chunks) {
    const std::unique_ptr<Slice> slice = open(chunk.slice, entry.name);
    const std::string path = (folder_ / metadata_.files[chunk.slice.file]).string();
    const auto* tensor = slice->root.as<PickledTensor>();
    if (tensor == nullptr) {
      throw DataError(path, fmt::format("{} is no tensor there", entry.name), copy_all_dcp);
    }
    if (tensor->dtype != entry.dtype || tensor->shape != chunk.sizes) {
      throw DataError(
          path,
          fmt::format("the part of {} is {} {} there, and .metadata says {} {}", entry.name,
                      to_string(tensor->dtype), shape_to_string(tensor->shape),
                      to_string(entry.dtype), shape_to_string(chunk.sizes)),
          copy_all_dcp);
    }
    const TensorView view = view_in_archive(*tensor, slice->archive, *copies_, path);
    boxes.push_back({.offsets = chunk.offsets, .sizes = chunk.sizes, .data = view.data});
  }
  return {entry.name, entry.dtype, entry.shape, std::move(boxes), where()};
}

const PlainData& DcpFiles::object(const DcpEntry& entry) const {
  std::unique_ptr<Slice>& slice = objects_[{entry.object.file, entry.object.offset}];
  if (slice == nullptr) slice = open(entry.object, entry.name);
  return slice->root;
}

TensorView DcpFiles::object_tensor(const DcpEntry& entry, const PickledTensor& tensor) const {
  const std::unique_ptr<Slice>& slice = objects_.at({entry.object.file, entry.object.offset});
  return view_in_archive(tensor, slice->archive, *copies_,
                         (folder_ / metadata_.files[entry.object.file]).string());
}

std::vector<std::shared_ptr<const WeightFile>> DcpFiles::used() const {
  std::vector<std::shared_ptr<const WeightFile>> files{metadata_file_};
  for (const auto& file : files_) {
    if (file != nullptr) files.push_back(file);
  }
  return files;
}

}  // namespace explaind
