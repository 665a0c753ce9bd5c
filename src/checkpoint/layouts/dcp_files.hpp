#pragma once
// The folder of a checkpoint of torch.distributed.checkpoint: `.metadata` and the files that it
// names.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/layouts/boxed_tensor.hpp"
#include "checkpoint/layouts/dcp_metadata.hpp"
#include "checkpoint/plain_data.hpp"
#include "checkpoint/weight_file.hpp"

namespace explaind {

class ContiguousCopies;

/// Mapped read-only. What it hands out lives as long as this.
class DcpFiles {
 public:
  /// Throws DataError naming the file: none of the metadata, metadata that cannot be read, a file
  /// that is missing.
  explicit DcpFiles(const std::filesystem::path& folder);
  ~DcpFiles();
  DcpFiles(const DcpFiles&) = delete;
  DcpFiles& operator=(const DcpFiles&) = delete;

  [[nodiscard]] const DcpMetadata& metadata() const { return metadata_; }
  [[nodiscard]] std::string where() const;  ///< the metadata's path
  /// A tensor with its boxes in the files. Throws DataError naming file and tensor: a slice outside
  /// its file, another type or size than the metadata says, boxes that overlap or leave a hole.
  [[nodiscard]] BoxedTensor tensor(const DcpEntry& entry) const;
  /// Any other object's data; views of it live as long as this.
  [[nodiscard]] const PlainData& object(const DcpEntry& entry) const;
  /// A tensor in what object() returned.
  [[nodiscard]] TensorView object_tensor(const DcpEntry& entry, const PickledTensor& tensor) const;
  /// The metadata and every file that something was read of, in name order.
  [[nodiscard]] std::vector<std::shared_ptr<const WeightFile>> used() const;

 private:
  class ShardFile;
  class Slice;
  [[nodiscard]] std::unique_ptr<Slice> open(const DcpSlice& slice, const std::string& name) const;

  std::filesystem::path folder_;
  std::shared_ptr<ShardFile> metadata_file_;
  DcpMetadata metadata_;
  mutable std::vector<std::shared_ptr<ShardFile>> files_;  ///< opened when something of it is read
  mutable std::map<std::pair<size_t, uint64_t>, std::unique_ptr<Slice>> objects_;
  std::unique_ptr<ContiguousCopies> copies_;  ///< of tensors that do not lie row by row
};

}  // namespace explaind
