#pragma once
// A zip archive whose entries are stored uncompressed, as torch.save writes it.

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace explaind {

struct ZipArchive {
  std::map<std::string, std::span<const std::byte>> entries;  ///< name → its bytes in the file
  /// Names, sizes and CRC-32 of all entries, as they lie in the file.
  std::span<const std::byte> directory;
};

/// Reads the central directory (also of zip64 archives) of a file that lies in memory; no entry's
/// bytes are read. `where` names the file in messages.
///
/// Throws DataError: no end record; a record that is cut short or lies outside; an entry that is
/// compressed, encrypted or named twice; a local header that is not there.
ZipArchive parse_zip(std::span<const std::byte> file, const std::string& where);

}  // namespace explaind
