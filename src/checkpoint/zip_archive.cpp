#include "checkpoint/zip_archive.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/error.hpp"

namespace explaind {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50, end_mark = 0x06054b50;
constexpr uint32_t end64_mark = 0x06064b50, locator64_mark = 0x07064b50;
constexpr uint32_t in_extra = 0xffffffff;  ///< the real value is in the zip64 extra field
constexpr size_t end_size = 22, end64_size = 56, locator64_size = 20, central_size = 46,
                 local_size = 30;

class Reader {
 public:
  Reader(Bytes file, std::string where) : file_(file), where_(std::move(where)) {}

  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(where_, problem,
                    "Copy the file again, or save it anew with PyTorch 1.6 or later");
  }
  [[nodiscard]] Bytes at(uint64_t offset, uint64_t size, const char* what) const {
    if (offset > file_.size() || size > file_.size() - offset) {
      refuse(std::string("the zip archive's ") + what + " lies outside the file");
    }
    return file_.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
  }
  [[nodiscard]] size_t size() const { return file_.size(); }

 private:
  Bytes file_;
  std::string where_;
};

/// Little-endian, unaligned; the caller has checked the bounds.
template <typename T>
T number(Bytes bytes, size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

struct Directory {
  uint64_t offset = 0, size = 0, entries = 0;
};

Directory find_directory(const Reader& reader) {
  if (reader.size() < end_size) reader.refuse("is too short for a zip archive");
  // The end record is followed by a comment of at most 65,535 bytes.
  const size_t last = reader.size() - end_size;
  const size_t first = last > 65535 ? last - 65535 : 0;
  for (size_t at = last + 1; at-- > first;) {
    const Bytes end = reader.at(at, end_size, "end record");
    if (number<uint32_t>(end, 0) != end_mark) continue;
    if (at >= locator64_size) {
      const Bytes locator = reader.at(at - locator64_size, locator64_size, "locator");
      if (number<uint32_t>(locator, 0) == locator64_mark) {
        const Bytes end64 =
            reader.at(number<uint64_t>(locator, 8), end64_size, "end record (zip64)");
        if (number<uint32_t>(end64, 0) != end64_mark) reader.refuse("has no zip64 end record");
        return {.offset = number<uint64_t>(end64, 48),
                .size = number<uint64_t>(end64, 40),
                .entries = number<uint64_t>(end64, 32)};
      }
    }
    return {.offset = number<uint32_t>(end, 16),
            .size = number<uint32_t>(end, 12),
            .entries = number<uint16_t>(end, 10)};
  }
  reader.refuse("is no zip archive, or is cut short");
}

/// Size and local header's offset of an entry; where 32 bits do not hold them, from the extra
/// field.
struct Place {
  uint64_t size, offset;
};

Place place_of(const Reader& reader, Bytes header, Bytes extra) {
  Place place{.size = number<uint32_t>(header, 24), .offset = number<uint32_t>(header, 42)};
  const bool compressed_too = number<uint32_t>(header, 20) == in_extra;
  if (place.size != in_extra && place.offset != in_extra) return place;
  for (size_t at = 0; at + 4 <= extra.size();) {
    const auto id = number<uint16_t>(extra, at);
    const size_t length = number<uint16_t>(extra, at + 2);
    if (at + 4 + length > extra.size()) break;
    if (id == 1) {  // zip64: those of size, compressed size, offset that did not fit, in this order
      Bytes values = extra.subspan(at + 4, length);
      const auto take = [&](uint64_t& into) {
        if (values.size() < 8) reader.refuse("has a broken zip64 field");
        into = number<uint64_t>(values, 0);
        values = values.subspan(8);
      };
      uint64_t compressed = 0;
      if (place.size == in_extra) take(place.size);
      if (compressed_too) take(compressed);
      if (place.offset == in_extra) take(place.offset);
      return place;
    }
    at += 4 + length;
  }
  reader.refuse("lacks a zip64 field");
}

}  // namespace

ZipArchive parse_zip(Bytes file, const std::string& where) {
  const Reader reader(file, where);
  const Directory directory = find_directory(reader);
  ZipArchive archive;
  archive.directory = reader.at(directory.offset, directory.size, "directory");
  Bytes rest = archive.directory;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    if (rest.size() < central_size || number<uint32_t>(rest, 0) != central_mark) {
      reader.refuse("has a broken zip directory");
    }
    const size_t name = number<uint16_t>(rest, 28), extra = number<uint16_t>(rest, 30),
                 comment = number<uint16_t>(rest, 32);
    if (rest.size() < central_size + name + extra + comment) {
      reader.refuse("has a broken zip directory");
    }
    const std::string text(reinterpret_cast<const char*>(rest.data()) + central_size, name);
    if (number<uint16_t>(rest, 10) != 0 || (number<uint16_t>(rest, 8) & 1) != 0) {
      reader.refuse("its entry " + text +
                    " is compressed or encrypted, which torch.save never does");
    }
    const Place place = place_of(reader, rest, rest.subspan(central_size + name, extra));
    const Bytes local = reader.at(place.offset, local_size, "local header");
    if (number<uint32_t>(local, 0) != local_mark) reader.refuse("has no entry " + text);
    const uint64_t skipped =
        local_size + number<uint16_t>(local, 26) + uint64_t{number<uint16_t>(local, 28)};
    const Bytes data = reader.at(place.offset + skipped, place.size, "entry");
    if (!archive.entries.emplace(text, data).second) reader.refuse("names " + text + " twice");
    rest = rest.subspan(central_size + name + extra + comment);
  }
  return archive;
}

}  // namespace explaind
