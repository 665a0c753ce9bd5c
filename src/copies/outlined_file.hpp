#pragma once
// A new HDF5 file that is made of what an outline says, without its numbers.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "copies/outline.hpp"

namespace explaind {

/// How a dataset's numbers lie in a file.
struct Storage {
  std::vector<hsize_t> chunk;  ///< extents; empty: in one piece
  int deflate = 0;             ///< of chunks: level, with the bytes of entries shuffled before it
};

/// An open file.
struct NamedFile {
  std::string path;
  hdf5::Handle handle;
};

/// Makes groups, datasets, links, attributes and scales as the outline has them, with the types,
/// attributes and fill values that they have in `original`. What is stored in one piece is
/// allocated and not filled. Nothing has a time, so that the same content is the same bytes. Throws
/// DataError where the file cannot be written, or an attribute refers to other objects.
NamedFile make_outlined_file(const std::filesystem::path& path, const Outline& outline,
                             const NamedFile& original,
                             const std::function<Storage(const OutlinedDataset&)>& storage_of);

/// Writes everything to the disk; errors surface here and not in the destructor.
void close_file(NamedFile& file);

/// For reading, as a store is opened.
NamedFile open_to_read(const std::filesystem::path& path);

hdf5::Handle open_dataset(const NamedFile& file, const std::string& path);
/// Extents of a dataset's chunks; empty where it lies in one piece.
std::vector<hsize_t> chunk_of(const hdf5::Handle& dataset, const std::string& where);
/// Bytes of its type; 0 where entries are texts of variable length.
size_t width_of(const hdf5::Handle& dataset, const std::string& where);

}  // namespace explaind
