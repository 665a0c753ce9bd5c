// IDX and CIFAR-10 files, whole and broken.

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/error.hpp"
#include "datasets/cifar10.hpp"
#include "datasets/idx.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class Files : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  void write_gzip(const std::string& name, const std::string& bytes) const {
    const gzFile file = gzopen((folder_ / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }
  [[nodiscard]] std::string bytes_of(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  testing::TemporaryFolder folder_;
};

/// IDX of unsigned bytes that count up from `first`.
std::string idx(const std::vector<unsigned>& shape, unsigned first) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  size_t count = 1;
  for (const unsigned length : shape) {
    for (const unsigned shift : {24U, 16U, 8U, 0U})
      bytes += static_cast<char>(length >> shift & 255U);
    count *= length;
  }
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>((first + i) % 256);
  return bytes;
}

class Idx : public Files {
 protected:
  void write_folder() const {
    write("train-images-idx3-ubyte", idx({3, 2, 2}, 0));
    write_gzip("train-labels-idx1-ubyte.gz", idx({3}, 4));
    write_gzip("t10k-images-idx3-ubyte.gz", idx({2, 2, 2}, 100));
    write("t10k-labels-idx1-ubyte", idx({2}, 1));
  }
  void expect_refusal(const std::string& problem) const {
    EXPECT_THAT([&] { read_idx_folder(folder_.path(), 0, 0); },
                ThrowsMessage<DataError>(HasSubstr(problem)));
  }
};

TEST_F(Idx, PlainAndGzippedFilesAreReadAlike) {
  write_folder();
  const TrainingData data = read_idx_folder(folder_.path(), 0, 0);
  EXPECT_TRUE(at::equal(data.train.inputs, at::arange(12, at::kByte).view({3, 1, 2, 2})));
  EXPECT_TRUE(at::equal(data.train.labels, at::tensor({4, 5, 6}, at::kLong)));
  EXPECT_TRUE(
      at::equal(data.validation.inputs, (at::arange(8, at::kByte) + 100).view({2, 1, 2, 2})));
  EXPECT_EQ(data.classes, 7);
  EXPECT_EQ(data.description["files"].size(), 4U);
  EXPECT_EQ(data.description["files"][0]["size"], 28);
}

TEST_F(Idx, TheFirstSamplesAreTaken) {
  write_folder();
  const TrainingData data = read_idx_folder(folder_.path(), 2, 1);
  EXPECT_TRUE(at::equal(data.train.labels, at::tensor({4, 5}, at::kLong)));
  EXPECT_EQ(data.validation.size(), 1);
  EXPECT_THAT([&] { read_idx_folder(folder_.path(), 4, 1); },
              ThrowsMessage<DataError>(HasSubstr("has 3 samples, 4 asked for")));
}

TEST_F(Idx, BrokenFilesAreRefusedByName) {
  write_folder();
  const std::string whole = idx({3, 2, 2}, 0);
  const auto refused = [&](const std::string& bytes, const std::string& problem) {
    SCOPED_TRACE(problem);
    write("train-images-idx3-ubyte", bytes);
    expect_refusal("train-images-idx3-ubyte: " + problem);
  };
  refused("", "is cut short");
  refused(whole.substr(0, 9), "is cut short");
  refused(whole.substr(0, whole.size() - 1), "is cut short");
  refused(whole + "x", "is longer than its header says");
  refused("PK" + whole.substr(2), "is not an IDX file");
  refused(std::string("\0\0\x0d\x03", 4) + whole.substr(4), "holds other elements than");
  refused(idx({3, 0, 2}, 0), "has an impossible shape");
  refused(whole.substr(0, 4) + std::string(12, '\xff'), "has an impossible shape");
  write("train-images-idx3-ubyte", idx({2, 2, 2}, 0));
  expect_refusal("images 2 × 2 × 2 and labels 3 do not belong together");
  write("train-images-idx3-ubyte", idx({3, 2, 3}, 0));
  expect_refusal("training and validation images differ in size");
}

TEST_F(Idx, DamagedGzipAndMissingFilesAreRefused) {
  write_folder();
  std::string bytes = bytes_of("train-labels-idx1-ubyte.gz");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] + 1);  // the checksum
  write("train-labels-idx1-ubyte.gz", bytes);
  expect_refusal("train-labels-idx1-ubyte.gz: is damaged");
  fs::remove(folder_ / "train-labels-idx1-ubyte.gz");
  expect_refusal("has no train-labels-idx1-ubyte (or train-labels-idx1-ubyte.gz)");
}

class Cifar10 : public Files {
 protected:
  /// Records of these labels; the pixels of record i are all `first + i`.
  static std::string records(const std::vector<int>& labels, int first) {
    std::string bytes;
    for (size_t i = 0; i < labels.size(); ++i) {
      bytes += static_cast<char>(labels[i]);
      bytes += std::string(3072, static_cast<char>(first + static_cast<int>(i)));
    }
    return bytes;
  }
  void write_folder() const {
    write("data_batch_2.bin", records({5, 3}, 50));
    write("data_batch_1.bin", records({3, 0, 5}, 10));
    write("test_batch.bin", records({5, 9, 3}, 90));
  }
};

TEST_F(Cifar10, KeepsTheClassesInTheOrderOfTheFiles) {
  write_folder();
  const TrainingData data = read_cifar10(folder_.path(), {3, 5}, 0, 0);
  EXPECT_TRUE(at::equal(data.train.labels, at::tensor({0, 1, 1, 0}, at::kLong)));
  EXPECT_TRUE(at::equal(data.train.inputs.select(1, 2).select(1, 31).select(1, 31),
                        at::tensor({10, 12, 50, 51}, at::kByte)));
  EXPECT_TRUE(at::equal(data.validation.labels, at::tensor({1, 0}, at::kLong)));
  EXPECT_EQ(data.classes, 2);
  EXPECT_EQ(data.train.inputs.sizes(), (at::IntArrayRef{4, 3, 32, 32}));
  EXPECT_EQ(read_cifar10(folder_.path(), {}, 0, 0).train.size(), 5);
  EXPECT_EQ(read_cifar10(folder_.path(), {3, 5}, 3, 1).train.size(), 3);
  EXPECT_THAT(
      [&] {
        read_cifar10(folder_.path(), {3, 5}, 5, 0);
      },
      ThrowsMessage<DataError>(HasSubstr("has 4 samples of these classes, 5 asked for")));
}

TEST_F(Cifar10, BrokenFoldersAreRefused) {
  EXPECT_THAT([&] { read_cifar10(folder_.path(), {}, 0, 0); },
              ThrowsMessage<DataError>(HasSubstr("has no data_batch_*.bin and test_batch.bin")));
  write_folder();
  EXPECT_THROW(read_cifar10(folder_.path(), {3, 3}, 0, 0), UsageError);
  EXPECT_THROW(read_cifar10(folder_.path(), {10}, 0, 0), UsageError);
  write("data_batch_1.bin", records({3, 10}, 0));
  EXPECT_THAT([&] { read_cifar10(folder_.path(), {}, 0, 0); },
              ThrowsMessage<DataError>(HasSubstr("record 1 has the label 10")));
  write("data_batch_1.bin", records({3, 1}, 0) + "x");
  EXPECT_THAT([&] { read_cifar10(folder_.path(), {}, 0, 0); },
              ThrowsMessage<DataError>(HasSubstr("6147 bytes are no whole number of records")));
}

}  // namespace
}  // namespace explaind
