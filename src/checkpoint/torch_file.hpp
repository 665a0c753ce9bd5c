#pragma once
// A pytorch_model.bin mapped read-only.

#include "checkpoint/plain_data.hpp"
#include "checkpoint/weight_file.hpp"
#include "checkpoint/zip_archive.hpp"

namespace explaind {

/// What torch.save wrote of any plain data: an optimizer's or a scheduler's state.
class TorchData {
 public:
  /// Throws DataError as TorchFile does.
  explicit TorchData(const std::filesystem::path& path);

  [[nodiscard]] const PlainData& root() const { return root_; }
  /// The tensor's elements; the view lives as long as this.
  [[nodiscard]] TensorView view(const PickledTensor& tensor) const;
  [[nodiscard]] const MappedFile& file() const { return file_; }
  /// The archive's directory: names, sizes and CRC-32 of pickle and storages.
  [[nodiscard]] std::span<const std::byte> header() const { return archive_.directory; }

 private:
  MappedFile file_;
  ZipArchive archive_;
  std::string folder_;
  PlainData root_;
};

/// What torch.save wrote of a state dict (PyTorch 1.6 or later). Tensors lie in the file as they
/// are used; the pickle is read through a whitelist and never run.
class TorchFile final : public WeightFile {
 public:
  /// Throws DataError naming the file: not a zip archive of torch.save, another byte order, a
  /// pickle that holds more than tensors, a tensor that is not contiguous or lies outside its
  /// storage, a storage that is missing or too short, a name given twice.
  explicit TorchFile(const std::filesystem::path& path);

  [[nodiscard]] const MappedFile& file() const override { return file_; }
  [[nodiscard]] const std::vector<TensorView>& tensors() const override { return tensors_; }
  /// The archive's directory: names, sizes and CRC-32 of pickle and storages.
  [[nodiscard]] std::span<const std::byte> header() const override { return archive_.directory; }

 private:
  MappedFile file_;
  ZipArchive archive_;
  std::vector<TensorView> tensors_;
};

}  // namespace explaind
