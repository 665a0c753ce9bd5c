// Zip archives written byte by byte: what a reader finds in them, and every way they can be broken.

#include "checkpoint/zip_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_torch.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;
using testing::little;
using testing::zip;
using testing::ZipEntry;

constexpr uint64_t in_extra = 0xffffffff;  // the number is in the zip64 field

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
  const ZipEntry good{"a", "one"};
  const auto with = [&](auto change) {
    ZipEntry entry = good;
    change(entry);
    return zip({entry});
  };
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"PK", "is too short for a zip archive"},
      {std::string(100, 'x'), "is no zip archive, or is cut short"},
      {zip({good}, {.directory_offset = 10'000}), "directory lies outside the file"},
      {zip({good}, {.directory_size = 10'000}), "directory lies outside the file"},
      {zip({good}, {.entries = 2}), "has a broken zip directory"},
      {with([](ZipEntry& e) { e.central_mark = 1; }), "has a broken zip directory"},
      {zip({good}, {.end64_mark = 1}), "has no zip64 end record"},
      // The name is longer than what is left of the directory.
      {zip({good}, {.directory_size = 46}), "has a broken zip directory"},
      {with([](ZipEntry& e) { e.method = 8; }), "its entry a is compressed or encrypted"},
      {with([](ZipEntry& e) { e.flags = 1; }), "its entry a is compressed or encrypted"},
      {with([](ZipEntry& e) { e.size = in_extra; }), "lacks a zip64 field"},
      {with([](ZipEntry& e) {
         e.offset = in_extra;
         e.extra = little(1, 2) + little(4, 2) + little(0, 4);
       }),
       "has a broken zip64 field"},
      {with([](ZipEntry& e) {
         e.size = e.offset = in_extra;
         e.extra = zip64({3});
       }),
       "has a broken zip64 field"},
      {with([](ZipEntry& e) { e.offset = 10'000; }), "local header lies outside the file"},
      {with([](ZipEntry& e) { e.local_mark = 1; }), "has no entry a"},
      {with([](ZipEntry& e) { e.size = 10'000; }), "entry lies outside the file"},
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
