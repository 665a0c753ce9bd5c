// What files are that are not what their names promise, and words of a shell's commands.

#include "core/file_kind.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;

struct Known {
  const char* name;
  std::string content;
  const char* words;
};

class ForeignContent : public ::testing::TestWithParam<Known> {};

TEST_P(ForeignContent, IsNamed) {
  const auto instead = foreign_content(GetParam().content, "/a folder/model.safetensors");
  ASSERT_TRUE(instead);
  EXPECT_THAT(instead->what, HasSubstr(GetParam().words));
  EXPECT_FALSE(instead->remedy.empty());
  EXPECT_THROW(refuse_foreign_content(GetParam().content, "x"), DataError);
}

INSTANTIATE_TEST_SUITE_P(
    Each, ForeignContent,
    ::testing::Values(
        Known{"Lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n",
              "Git LFS pointer"},
        Known{"Page", "\n  <!DOCTYPE html><html>", "web page"},
        Known{"Html", "<HTML lang=en>", "web page"},
        Known{"ByteOrderMark", "\xef\xbb\xbf<html>", "web page"},
        Known{"Xml", "<?xml version=\"1.0\"?><Error><Code>AccessDenied", "XML"},
        Known{"JsonError", R"({"error":"Invalid credentials in Authorization header"})",
              "Invalid credentials"},
        Known{"NotFound", "Entry not found", "Entry not found"},
        Known{"Gated", "Access to model x is restricted.", "Access to model x"},
        Known{"Gguf", "GGUF\3", "GGUF"}, Known{"Hdf5", "\x89HDF\r\n\x1a\n", "HDF5"},
        Known{"Gzip", "\x1f\x8b\x08", "gzip"}, Known{"Zstd", "\x28\xb5\x2f\xfd", "Zstandard"},
        Known{"Tar", std::string(257, 'a') + "ustar", "tar archive"},
        Known{"Parquet", "PAR1abc", "Parquet"}, Known{"Numpy", "\x93NUMPY", "NumPy"},
        Known{"Utf16", std::string("\xff\xfe{\0\"\0a\0", 8), "UTF-16"},
        Known{"Utf16BigEnd", std::string("\xfe\xff\0{\0\"", 6), "UTF-16"},
        Known{"Utf16First", std::string("\xfe\xff\0", 3), "UTF-16"},
        Known{"Zeros", std::string(5000, '\0'), "zero bytes only"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(ForeignContents, WhatIsMeantIsLeftAlone) {
  const std::string safetensors = std::string("\x10\0\0\0\0\0\0\0", 8) + "{}              ";
  // Headers of 65279 and 65534 bytes: their lengths begin as a text in UTF-16 does.
  const std::string odd = std::string("\xff\xfe\0\0\0\0\0\0", 8) + "{\"a\"";
  const std::string even = std::string("\xfe\xff\x2f\0\0\0\0\0", 8) + "{\"a\"";
  for (const std::string& content :
       {safetensors, odd, even, std::string("PK\3\4"), std::string("\x80\x02\x8a\x0al\xfc\x9c"),
        std::string("{\"hidden_size\": 8}"), std::string("10 step-10\n"), std::string(),
        std::string("{\"text\": \"<html>\"}"), std::string(4, '\0')}) {
    EXPECT_FALSE(foreign_content(content, "x")) << content;
  }
}

TEST(ForeignContents, LfsIsFetchedByACommandThatKnowsTheFile) {
  const auto instead = foreign_content("version https://git-lfs.github.com/spec/v1\n",
                                       "/a folder/model.safetensors");
  EXPECT_THAT(instead->remedy,
              HasSubstr("`git -C '/a folder' lfs pull --include model.safetensors`"));
}

TEST(ForeignContents, Utf16IsConvertedInItsPlace) {
  const auto instead = wide_text(std::string("\xff\xfe{\0", 4), "/a b/x.jsonl");
  EXPECT_THAT(instead->remedy, HasSubstr("`iconv -f UTF-16 -t UTF-8 '/a b/x.jsonl' > "
                                         "'/a b/x.jsonl.utf8' && mv '/a b/x.jsonl.utf8' "
                                         "'/a b/x.jsonl'`"));
  EXPECT_FALSE(wide_text("{}", "x"));
}

TEST(ShellWord, IsQuotedWhereItMustBe) {
  EXPECT_EQ(shell_word("/data/step-10/model.bin"), "/data/step-10/model.bin");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$(rm x)"), "'$(rm x)'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace explaind
