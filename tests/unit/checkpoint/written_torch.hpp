#pragma once
// What torch.save writes, byte by byte: zip archives, and pickles of tensors.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace explaind::testing {

inline std::string little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

/// An entry as the central directory has it; what is left at its default is right.
struct ZipEntry {
  std::string name, data;
  std::string extra{};
  uint64_t method = 0, flags = 0;
  std::optional<uint64_t> compressed{}, size{}, offset{};
  uint64_t local_mark = 0x04034b50, central_mark = 0x02014b50;
};

/// The end of the archive; with end64_mark its numbers are those of a zip64 record.
struct ZipEnd {
  std::optional<uint64_t> entries{}, directory_size{}, directory_offset{};
  std::string comment{};
  std::optional<uint64_t> end64_mark{};
};

inline std::string zip(const std::vector<ZipEntry>& entries, const ZipEnd& given = {}) {
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    const uint64_t size = entry.data.size();
    directory += little(entry.central_mark, 4) + little(0, 4) + little(entry.flags, 2) +
                 little(entry.method, 2) + little(0, 8) +
                 little(entry.compressed.value_or(size), 4) + little(entry.size.value_or(size), 4) +
                 little(entry.name.size(), 2) + little(entry.extra.size(), 2) + little(0, 10) +
                 little(entry.offset.value_or(file.size()), 4) + entry.name + entry.extra;
    file += little(entry.local_mark, 4) + little(0, 14) + little(size, 4) + little(size, 4) +
            little(entry.name.size(), 2) + little(0, 2) + entry.name + entry.data;
  }
  const uint64_t count = given.entries.value_or(entries.size());
  const uint64_t size = given.directory_size.value_or(directory.size());
  const uint64_t offset = given.directory_offset.value_or(file.size());
  const std::string begin = little(0x06054b50, 4) + little(0, 4);
  const std::string comment = little(given.comment.size(), 2) + given.comment;
  if (given.end64_mark) {
    return file + directory + little(*given.end64_mark, 4) + little(44, 8) + little(0, 12) +
           little(count, 8) + little(count, 8) + little(size, 8) + little(offset, 8) +
           little(0x07064b50, 4) + little(0, 4) + little(file.size() + directory.size(), 8) +
           little(1, 4) + begin + std::string(12, '\xff') + comment;
  }
  return file + directory + begin + little(count, 2) + little(count, 2) + little(size, 4) +
         little(offset, 4) + comment;
}

/// Of an archive as PyTorch has them; `storage` is that of all tensors.
inline std::string torch_archive(const std::string& pickle, const std::string& storage,
                                 const std::string& byte_order = "little") {
  return zip({{"archive/data.pkl", pickle},
              {"archive/byteorder", byte_order},
              {"archive/data/0", storage}});
}

inline std::string pickled(const std::string& text) { return "X" + little(text.size(), 4) + text; }
inline std::string pickled(int64_t number) {
  return "\x8a\x08" + little(static_cast<uint64_t>(number), 8);
}
inline std::string pickled(const std::vector<int64_t>& numbers) {
  std::string tuple = "(";
  for (const int64_t number : numbers) tuple += pickled(number);
  return tuple + "t";
}

/// A view of a storage of F32.
struct PickledView {
  int64_t elements = 4, offset = 0;
  std::vector<int64_t> shape{4}, strides{1};
  std::string word = "storage", type = "torch\nFloatStorage", view{}, key = "0";
};
inline std::string pickled(const PickledView& tensor) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled(tensor.word) + "c" + tensor.type + "\n" +
         pickled(tensor.key) + pickled(std::string("cpu")) + pickled(tensor.elements) +
         tensor.view + "tQ" + pickled(tensor.offset) + pickled(tensor.shape) +
         pickled(tensor.strides) + "\x89NtR";
}
/// A dict, its values pickled.
inline std::string pickled(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string dict = "}(";
  for (const auto& [key, value] : entries) dict += pickled(key) + value;
  return dict + "u";
}
/// The whole pickle.
inline std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace explaind::testing
