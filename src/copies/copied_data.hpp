#pragma once
// A dataset's entries, read or copied by pieces.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "copies/copy_watch.hpp"
#include "copies/outline.hpp"
#include "copies/outlined_file.hpp"

namespace explaind {

/// Memory that copying may take, divided among a piece and the chunks that HDF5 keeps unpacked.
struct CopyMemory {
  size_t piece_bytes = size_t{64} << 20;
  size_t chunk_bytes = size_t{64} << 20;  ///< of the dataset that is read
};

/// Divides so many bytes; throws UsageError where they are too few.
CopyMemory copy_memory(int64_t bytes);

/// A dataset that is gone through once. Every call throws DataError where the file cannot be read
/// or written.
class EntryReader {
 public:
  EntryReader(const NamedFile& file, const std::string& path, const CopyMemory& memory);

  [[nodiscard]] const std::vector<hsize_t>& shape() const { return shape_; }
  /// Bytes of an entry in memory: as stored, little-endian; 0: texts of variable length.
  [[nodiscard]] size_t width() const { return width_; }
  /// Extents of its chunks; empty where it lies in one piece.
  [[nodiscard]] const std::vector<hsize_t>& chunk() const { return chunk_; }
  [[nodiscard]] hid_t memory_type() const { return type_.get(); }
  void read(const hdf5::Slab& piece, void* into) const;

 private:
  const std::string& where_;
  hdf5::Handle dataset_, type_;
  std::vector<hsize_t> shape_, chunk_;
  size_t width_ = 0;
};

/// Writes a piece; `dataset` has the entries of the reader.
void write_piece(const NamedFile& file, const hdf5::Handle& dataset, hid_t memory_type,
                 const hdf5::Slab& piece, const void* data);

/// Copies all entries and returns the CRC-32 of their bytes, piece by piece in the order of
/// crc_of_entries. The target has the source's shape.
uint32_t copy_entries(const NamedFile& from, const std::string& source, const NamedFile& to,
                      const std::string& target, const CopyMemory& memory, CopyWatch& watch);

/// Reads all entries of a dataset in pieces of its own chunks; `visit` may be empty. Returns their
/// CRC-32.
uint32_t crc_of_entries(
    const NamedFile& file, const std::string& path, const CopyMemory& memory, CopyWatch& watch,
    const std::function<void(const hdf5::Slab& piece, const char* data)>& visit = {});

}  // namespace explaind
