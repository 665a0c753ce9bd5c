#pragma once
// A pytorch_model.bin mapped read-only.

#include <string>
#include <vector>

#include "checkpoint/contiguous_copy.hpp"
#include "checkpoint/plain_data.hpp"
#include "checkpoint/torch_archive.hpp"
#include "checkpoint/weight_file.hpp"

namespace explaind {

/// A tensor's elements: as they lie in the archive, or copied where they do not lie row by row.
/// Throws DataError naming the tensor where it does not lie inside its storage.
TensorView view_in_archive(const PickledTensor& tensor, const TorchArchive& archive,
                           ContiguousCopies& copies, const std::string& where);

/// What torch.save wrote of any plain data: an optimizer's or a scheduler's state.
class TorchData {
 public:
  /// records: classes whose objects are read as data. Throws DataError as TorchFile does.
  explicit TorchData(const std::filesystem::path& path, const RecordTypes& records = {});

  [[nodiscard]] const PlainData& root() const { return root_; }
  /// The tensor's elements; the view lives as long as this.
  [[nodiscard]] TensorView view(const PickledTensor& tensor) const;
  [[nodiscard]] const MappedFile& file() const { return file_; }
  /// The archive's directory: names, sizes and CRC-32 of pickle and storages.
  [[nodiscard]] std::span<const std::byte> header() const { return archive_.header; }

 private:
  MappedFile file_;
  TorchArchive archive_;
  PlainData root_;                   ///< refers to the archive
  mutable ContiguousCopies copies_;  ///< made when they are first asked for
};

/// What torch.save wrote of a state dict, whatever its version. Tensors lie in the file as they are
/// used, but for those that do not lie row by row: they are copied. The pickle is read through a
/// whitelist and never run.
class TorchFile final : public WeightFile {
 public:
  /// Throws DataError naming the file: not of torch.save, another byte order, a pickle that holds
  /// more than plain data, no weights in it or those of two models, a tensor that lies outside its
  /// storage, a storage that is missing or too short, a name given twice.
  explicit TorchFile(const std::filesystem::path& path);

  [[nodiscard]] const MappedFile& file() const override { return file_; }
  [[nodiscard]] const std::vector<TensorView>& tensors() const override { return tensors_; }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }
  /// The archive's directory: names, sizes and CRC-32 of pickle and storages.
  [[nodiscard]] std::span<const std::byte> header() const override { return archive_.header; }

 private:
  MappedFile file_;
  TorchArchive archive_;
  ContiguousCopies copies_;
  std::vector<TensorView> tensors_;
  std::vector<std::string> notes_;
};

}  // namespace explaind
