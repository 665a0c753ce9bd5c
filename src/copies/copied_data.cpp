#include "copies/copied_data.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "copies/pieces.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "store/crc32.hpp"
#include "store/hdf5_text.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

/// Chunks that were unpacked for one piece are there for the next one that needs them.
Handle keeping_chunks(size_t bytes, const std::string& where) {
  constexpr size_t slots = 12421;  // a prime well above the number of chunks
  Handle list(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, where, "H5Pcreate");
  check(H5Pset_chunk_cache(list.get(), slots, bytes, 1.0), where, "H5Pset_chunk_cache");
  return list;
}

uint32_t crc_of_texts(const std::vector<std::string>& texts) {
  uint32_t crc = 0;
  for (const std::string& text : texts) crc = crc32_of(crc, text.c_str(), text.size() + 1);
  return crc;
}

/// Texts of variable length are labels and provenance of other programs' files: small.
void copy_texts(const NamedFile& from, const std::string& source, const NamedFile& to,
                const std::string& target) {
  const Handle old = open_dataset(from, source), made = open_dataset(to, target);
  const Handle type(H5Dget_type(old.get()), H5Tclose, from.path, "H5Dget_type");
  const Handle space(H5Dget_space(old.get()), H5Sclose, from.path, "H5Dget_space");
  std::vector<char*> texts(static_cast<size_t>(H5Sget_simple_extent_npoints(space.get())));
  check(H5Dread(old.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), from.path,
        "reading " + source);
  const herr_t written =
      H5Dwrite(made.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, texts.data());
  check(written, to.path, "writing " + target);
}

}  // namespace

CopyMemory copy_memory(int64_t bytes) {
  constexpr int64_t least = int64_t{16} << 20, enough = int64_t{64} << 20;
  if (bytes < least) {
    throw UsageError("--memory",
                     fmt::format("{} are too few to copy a store with",
                                 format_bytes(static_cast<double>(bytes))),
                     "Give at least 16MiB");
  }
  const auto part = static_cast<size_t>(std::min(enough, bytes / 4));
  return {.piece_bytes = part, .chunk_bytes = part};
}

EntryReader::EntryReader(const NamedFile& file, const std::string& path, const CopyMemory& memory)
    : where_(file.path),
      dataset_(H5Dopen2(file.handle.get(), path.c_str(),
                        keeping_chunks(memory.chunk_bytes, where_).get()),
               H5Dclose, where_, "opening " + path),
      chunk_(chunk_of(dataset_, where_)) {
  const Handle stored(H5Dget_type(dataset_.get()), H5Tclose, where_, "H5Dget_type");
  width_ = H5Tis_variable_str(stored.get()) > 0 ? 0 : H5Tget_size(stored.get());
  type_ = Handle(H5Tget_native_type(stored.get(), H5T_DIR_ASCEND), H5Tclose, where_,
                 "H5Tget_native_type");
  const Handle space(H5Dget_space(dataset_.get()), H5Sclose, where_, "H5Dget_space");
  shape_.resize(static_cast<size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  H5Sget_simple_extent_dims(space.get(), shape_.data(), nullptr);
}

void EntryReader::read(const hdf5::Slab& piece, void* into) const {
  if (!piece.count.empty()) {
    hdf5::read_slab(dataset_.get(), type_.get(), piece, into, where_);
    return;
  }
  check(H5Dread(dataset_.get(), type_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, into), where_,
        "reading");
}

void write_piece(const NamedFile& file, const Handle& dataset, hid_t memory_type,
                 const hdf5::Slab& piece, const void* data) {
  if (!piece.count.empty()) {
    hdf5::write_slab(dataset.get(), memory_type, piece, data, file.path);
    return;
  }
  check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), file.path,
        "writing");
}

uint32_t copy_entries(const NamedFile& from, const std::string& source, const NamedFile& to,
                      const std::string& target, const CopyMemory& memory, CopyWatch& watch) {
  const EntryReader entries(from, source, memory);
  if (entries.width() == 0) {
    copy_texts(from, source, to, target);
    return crc_of_texts(hdf5::read_texts(open_dataset(from, source).get(), from.path));
  }
  const Handle made = open_dataset(to, target);
  uint32_t crc = 0;
  std::vector<char> bytes;
  for_each_piece(entries.shape(), chunk_of(made, to.path), entries.width(), memory.piece_bytes,
                 [&](const hdf5::Slab& piece) {
                   bytes.resize(entries_of(piece) * entries.width());
                   watch.advance(bytes.size());
                   entries.read(piece, bytes.data());
                   crc = crc32_of(crc, bytes.data(), bytes.size());
                   write_piece(to, made, entries.memory_type(), piece, bytes.data());
                 });
  return crc;
}

uint32_t crc_of_entries(
    const NamedFile& file, const std::string& path, const CopyMemory& memory, CopyWatch& watch,
    const std::function<void(const hdf5::Slab& piece, const char* data)>& visit) {
  const EntryReader entries(file, path, memory);
  if (entries.width() == 0) {
    return crc_of_texts(hdf5::read_texts(open_dataset(file, path).get(), file.path));
  }
  uint32_t crc = 0;
  std::vector<char> bytes;
  for_each_piece(entries.shape(), entries.chunk(), entries.width(), memory.piece_bytes,
                 [&](const hdf5::Slab& piece) {
                   bytes.resize(entries_of(piece) * entries.width());
                   watch.advance(bytes.size());
                   entries.read(piece, bytes.data());
                   crc = crc32_of(crc, bytes.data(), bytes.size());
                   if (visit) visit(piece, bytes.data());
                 });
  return crc;
}

}  // namespace explaind
