#pragma once
// The parts of a file of torch.save: a pickle, and the bytes of the storages that it names.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace explaind {

/// Views of the file's bytes.
struct TorchArchive {
  std::span<const std::byte> pickle;
  std::map<std::string, std::span<const std::byte>, std::less<>> storages;  ///< key → bytes
  /// What says what is in the file: names, sizes and, of a zip archive, CRC-32 of all parts.
  std::span<const std::byte> header;
};

/// True for what torch.save of PyTorch 1.6 and later writes, a zip archive.
bool is_zip(std::span<const std::byte> file);

/// Takes apart a zip archive or, as PyTorch wrote before 1.6, a row of pickles with the storages
/// behind them. `where` names the file in messages. Throws DataError: neither of them, parts that
/// are missing, cut short or lie outside the file, another byte order.
TorchArchive open_torch_archive(std::span<const std::byte> file, const std::string& where);

}  // namespace explaind
