// Zip archives written byte by byte: what a reader finds in them, and every way they can be broken.

#include "checkpoint/zip_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;

std::string little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

constexpr uint64_t in_extra = 0xffffffff;

/// An entry as the central directory has it; what is left at its default is right.
struct Entry {
  std::string name, data;
  std::string extra{};
  uint64_t method = 0, flags = 0;
  std::optional<uint64_t> compressed{}, size{}, offset{};
  uint64_t local_mark = 0x04034b50, central_mark = 0x02014b50;
};

/// The end of the archive; with end64_mark its numbers are those of a zip64 record.
struct End {
  std::optional<uint64_t> entries{}, directory_size{}, directory_offset{};
  std::string comment{};
  std::optional<uint64_t> end64_mark{};
};

std::string zip(const std::vector<Entry>& entries, const End& given = {}) {
  std::string file, directory;
  for (const Entry& entry : entries) {
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

/// A zip64 field with these numbers of 64 bits.
std::string zip64(const std::vector<uint64_t>& numbers) {
  std::string field = little(1, 2) + little(8 * numbers.size(), 2);
  for (const uint64_t number : numbers) field += little(number, 8);
  return field;
}

std::map<std::string, std::string> read(const std::string& file) {
  const ZipArchive archive =
      parse_zip({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "there");
  std::map<std::string, std::string> found;
  for (const auto& [name, bytes] : archive.entries) {
    found[name] = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  return found;
}

TEST(ZipArchive, HoldsItsEntries) {
  const std::map<std::string, std::string> expected{{"a", "one"}, {"b/c", ""}};
  EXPECT_EQ(read(zip({{"a", "one"}, {"b/c", ""}})), expected);
  EXPECT_EQ(read(zip({{"a", "one"}, {"b/c", ""}}, {.comment = "said behind the end"})), expected);
  EXPECT_EQ(read(zip({{"a", "one"}, {"b/c", ""}}, {.end64_mark = 0x06064b50})), expected);
  // Numbers that 32 bits do not hold, each alone and all at once; another field before theirs.
  const std::string other = little(7, 2) + little(3, 2) + "xyz";
  EXPECT_EQ(read(zip({{.name = "a", .data = "one", .extra = other + zip64({3}), .size = in_extra},
                      {.name = "b/c", .data = "", .extra = zip64({34}), .offset = in_extra}})),
            expected);
  EXPECT_EQ(read(zip({{.name = "a",
                       .data = "one",
                       .extra = zip64({3, 3, 0}),
                       .compressed = in_extra,
                       .size = in_extra,
                       .offset = in_extra},
                      {"b/c", ""}})),
            expected);
}

TEST(ZipArchive, IsRefusedWhereItIsBroken) {
  const Entry good{"a", "one"};
  const auto with = [&](auto change) {
    Entry entry = good;
    change(entry);
    return zip({entry});
  };
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"PK", "is too short for a zip archive"},
      {std::string(100, 'x'), "is no zip archive, or is cut short"},
      {zip({good}, {.directory_offset = 10'000}), "directory lies outside the file"},
      {zip({good}, {.directory_size = 10'000}), "directory lies outside the file"},
      {zip({good}, {.entries = 2}), "has a broken zip directory"},
      {with([](Entry& e) { e.central_mark = 1; }), "has a broken zip directory"},
      {zip({good}, {.end64_mark = 1}), "has no zip64 end record"},
      // The name is longer than what is left of the directory.
      {zip({good}, {.directory_size = 46}), "has a broken zip directory"},
      {with([](Entry& e) { e.method = 8; }), "its entry a is compressed or encrypted"},
      {with([](Entry& e) { e.flags = 1; }), "its entry a is compressed or encrypted"},
      {with([](Entry& e) { e.size = in_extra; }), "lacks a zip64 field"},
      {with([](Entry& e) {
         e.offset = in_extra;
         e.extra = little(1, 2) + little(4, 2) + little(0, 4);
       }),
       "has a broken zip64 field"},
      {with([](Entry& e) {
         e.size = e.offset = in_extra;
         e.extra = zip64({3});
       }),
       "has a broken zip64 field"},
      {with([](Entry& e) { e.offset = 10'000; }), "local header lies outside the file"},
      {with([](Entry& e) { e.local_mark = 1; }), "has no entry a"},
      {with([](Entry& e) { e.size = 10'000; }), "entry lies outside the file"},
      {zip({good, good}), "names a twice"},
  };
  for (const auto& [file, problem] : broken) {
    SCOPED_TRACE(problem);
    EXPECT_THAT(data_error([&, bytes = file] { read(bytes); }),
                AllOf(HasSubstr("there: "), HasSubstr(problem)));
  }
}

}  // namespace
}  // namespace explaind
