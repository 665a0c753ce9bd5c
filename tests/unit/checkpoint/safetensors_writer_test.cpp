#include "checkpoint/safetensors_writer.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <stdexcept>

#include "checkpoint/safetensors_file.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::HasSubstr;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

TensorView view(const std::string& name, Dtype dtype, std::vector<int64_t> shape,
                const std::string& bytes) {
  TensorView tensor;
  tensor.name = name;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.data = reinterpret_cast<const std::byte*>(bytes.data());
  tensor.bytes = bytes.size();
  return tensor;
}

std::ptrdiff_t entries_of(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(Writer, WritesTheFormatByteByByte) {
  const TemporaryFolder directory;
  const std::string b = "12", a = "abcdefgh";
  write_safetensors(directory / "x",
                    std::vector{view("b", Dtype::bf16, {1}, b), view("a", Dtype::f32, {2, 1}, a)});
  std::string header = R"({"__metadata__":{"format":"pt"},)"
                       R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]}})";
  while (header.size() % 8 != 0) header += ' ';
  EXPECT_EQ(read_bytes(directory / "x"), testing::safetensors(header, "abcdefgh12"));
  EXPECT_EQ(entries_of(directory.path()), 1) << "nothing unfinished stays";
}

TEST(Writer, WhatIsWrittenIsRead) {
  const TemporaryFolder directory;
  const std::string one = "x", eight = "12345678", twelve = "abcdefghijkl";
  const std::vector<TensorView> tensors = {
      view("byte", Dtype::u8, {1}, one), view("scalar", Dtype::f64, {}, eight),
      view("näme \"quoted\"\n", Dtype::f16, {2, 3}, twelve), view("none", Dtype::f32, {0, 7}, ""),
      view("flags", Dtype::boolean, {2, 4}, eight)};
  write_safetensors(directory / "x", tensors, {{"format", "pt"}, {"step", "7"}});
  const SafetensorsFile file(directory / "x");
  EXPECT_EQ(file.header().size() % 8, 0U);
  EXPECT_EQ(file.metadata().at("step"), "7");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const TensorView& expected : tensors) {
    const auto found = std::find_if(file.tensors().begin(), file.tensors().end(),
                                    [&](const TensorView& t) { return t.name == expected.name; });
    ASSERT_NE(found, file.tensors().end()) << expected.name;
    EXPECT_EQ(found->dtype, expected.dtype);
    EXPECT_EQ(found->shape, expected.shape);
    EXPECT_TRUE(std::equal(found->data, found->data + found->bytes, expected.data,
                           expected.data + expected.bytes));
    const auto offset = static_cast<size_t>(found->data - file.file().bytes().data());
    EXPECT_EQ(offset % dtype_size(found->dtype), 0U) << "unaligned: " << expected.name;
  }
}

TEST(Writer, NoTensorsAndNoMetadata) {
  const TemporaryFolder directory;
  write_safetensors(directory / "x", {}, {});
  EXPECT_EQ(read_bytes(directory / "x"), testing::safetensors("{}      "));
}

TEST(Writer, ReplacesAFileThatIsStillMapped) {
  const TemporaryFolder directory;
  const std::string old_bytes = "old!", new_bytes = "new!";
  write_safetensors(directory / "x", std::vector{view("w", Dtype::f32, {1}, old_bytes)});
  const SafetensorsFile old(directory / "x");
  write_safetensors(directory / "x", std::vector{view("w", Dtype::f32, {1}, new_bytes)});
  EXPECT_EQ(static_cast<char>(*old.tensors()[0].data), 'o');
  EXPECT_EQ(static_cast<char>(*SafetensorsFile(directory / "x").tensors()[0].data), 'n');
}

TEST(Writer, RefusesWhatNoReaderWouldTake) {
  const TemporaryFolder directory;
  const std::string four = "1234";
  const TensorView good = view("w", Dtype::f32, {1}, four);
  EXPECT_THROW(write_safetensors(directory / "x", std::vector{good, good}), std::invalid_argument);
  EXPECT_THROW(write_safetensors(directory / "x", std::vector{view("w", Dtype::f32, {2}, four)}),
               std::invalid_argument);
  EXPECT_THROW(
      write_safetensors(directory / "x", std::vector{view("__metadata__", Dtype::f32, {1}, four)}),
      std::invalid_argument);
  EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(Writer, NamesWhatCannotBeCreated) {
  const TemporaryFolder directory;
  EXPECT_THAT(data_error([&] { write_safetensors(directory / "none/x", {}); }),
              AllOf(HasSubstr("none/x: cannot be created"), HasSubstr("No such file")));
  fs::create_directory(directory / "taken");
  EXPECT_THAT(data_error([&] { write_safetensors(directory / "taken", {}); }),
              HasSubstr("taken: cannot be renamed"));
  EXPECT_EQ(entries_of(directory.path()), 1);
}

/// Lets no file of this process grow past `bytes`, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(Writer, AFailedWriteLeavesTheOldFileAndNoOther) {
  const TemporaryFolder directory;
  write_bytes(directory / "x", "old");
  const std::string large(1 << 20, 'x');
  const std::vector tensors = {view("w", Dtype::u8, {1 << 20}, large)};
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = data_error([&] { write_safetensors(directory / "x", tensors); });
  }
  EXPECT_THAT(message, HasSubstr("x: cannot be written: File too large"));
  EXPECT_EQ(read_bytes(directory / "x"), "old");
  EXPECT_EQ(entries_of(directory.path()), 1) << "nothing unfinished stays";
}

}  // namespace
}  // namespace explaind
