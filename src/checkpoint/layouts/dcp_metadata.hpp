#pragma once
// `.metadata` of torch.distributed.checkpoint: which tensors a checkpoint holds, in which boxes of
// which files.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.hpp"

namespace explaind {

/// A range of a file of the same folder: one file of torch.save inside it.
struct DcpSlice {
  size_t file = 0;  ///< of DcpMetadata::files
  uint64_t offset = 0, length = 0;
};

/// A box of a tensor: elements offsets[a] ≤ i < offsets[a] + sizes[a] of each axis a.
struct DcpChunk {
  std::vector<int64_t> offsets, sizes;
  DcpSlice slice;
};

/// An entry of the state that was saved: a tensor, or any other object in one slice.
struct DcpEntry {
  std::string name;               ///< its path's parts with dots between them
  std::vector<std::string> path;  ///< keys and numbers in the nested state; empty: not stored
  bool tensor = false;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  std::vector<DcpChunk> chunks;  ///< a tensor's
  DcpSlice object;               ///< anything else's
};

struct DcpMetadata {
  std::vector<DcpEntry> entries;   ///< in the order of the state
  std::vector<std::string> files;  ///< names without folders, in order
};

/// Reads the pickle without running it: objects of the classes of torch.distributed.checkpoint are
/// taken for the data that they hold, any other name is refused. `where` names the file in
/// messages. Throws DataError: no such metadata, a class or type that is not known (quoted), parts
/// that are not stored anywhere or are compressed, a file outside the folder, negative or absurd
/// sizes.
DcpMetadata read_dcp_metadata(std::span<const std::byte> pickle, const std::string& where);

}  // namespace explaind
