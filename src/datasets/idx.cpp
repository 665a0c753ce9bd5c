#include "datasets/idx.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "datasets/source_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr int64_t largest_bytes = int64_t{1} << 34;  // 16 GiB: a broken header asks for more

/// A file read through zlib, which also reads what is not compressed.
class GzipFile {
 public:
  explicit GzipFile(const fs::path& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) throw DataError(path.string(), "cannot be read", "Check that it is there");
  }
  /// Exactly so many bytes; throws DataError where there are fewer.
  void read(void* into, size_t bytes) {
    auto* at = static_cast<uint8_t*>(into);
    while (bytes > 0) {
      constexpr size_t largest = 1U << 30;
      const int got = gzread(file_.get(), at, static_cast<unsigned>(std::min(bytes, largest)));
      if (got <= 0) fail(got < 0 || damaged() ? "is damaged" : "is cut short");
      at += got;
      bytes -= static_cast<size_t>(got);
    }
  }
  /// Throws DataError where anything is left, or where the checksum of what was read is wrong.
  void expect_end() {
    uint8_t byte = 0;
    const int got = gzread(file_.get(), &byte, 1);
    if (got > 0) fail("is longer than its header says");
    if (got < 0 || damaged()) fail("is damaged");
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw DataError(path_.string(), problem, "Fetch it again");
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  [[nodiscard]] bool damaged() const {
    int code = Z_OK;
    gzerror(file_.get(), &code);
    return code != Z_OK && code != Z_STREAM_END;
  }
  fs::path path_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
};

Dataset first_samples(at::Tensor images, const at::Tensor& labels, int64_t count,
                      const fs::path& folder, const char* option) {
  if (images.dim() != 3 || labels.dim() != 1 || images.size(0) != labels.size(0)) {
    throw DataError(folder.string(), fmt::format("images {} and labels {} do not belong together",
                                                 fmt::join(images.sizes(), " × "),
                                                 fmt::join(labels.sizes(), " × ")));
  }
  if (count > images.size(0)) {
    throw DataError(folder.string(),
                    fmt::format("has {}, {} asked for", counted(images.size(0), "sample"), count),
                    std::string("Lower ") + option);
  }
  if (count > 0) images = images.narrow(0, 0, count);
  return {images.unsqueeze(1).contiguous(),
          labels.narrow(0, 0, images.size(0)).to(at::kLong).contiguous()};
}

}  // namespace

at::Tensor read_idx(const fs::path& path) {
  GzipFile file(path);
  std::array<uint8_t, 4> magic{};
  file.read(magic.data(), magic.size());
  if (magic[0] != 0 || magic[1] != 0) file.fail("is not an IDX file");
  if (magic[2] != 0x08) file.fail("holds other elements than unsigned bytes");
  std::vector<int64_t> shape;
  int64_t bytes = 1;
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::array<uint8_t, 4> length{};
    file.read(length.data(), length.size());
    shape.push_back(int64_t{length[0]} << 24 | length[1] << 16 | length[2] << 8 | length[3]);
    if (shape.back() == 0 || shape.back() > largest_bytes / bytes) {
      file.fail("has an impossible shape");
    }
    bytes *= shape.back();
  }
  if (shape.empty()) file.fail("has no axes");
  // Before room is made for what a broken header asks for.
  constexpr uintmax_t compression = 1032;  // what deflate can do at most
  if (static_cast<uintmax_t>(bytes) / compression > fs::file_size(path)) file.fail("is cut short");
  at::Tensor values = at::empty(shape, at::kByte);
  file.read(values.data_ptr(), static_cast<size_t>(bytes));
  file.expect_end();
  return values;
}

TrainingData read_idx_folder(const fs::path& folder, int64_t train, int64_t validation) {
  TrainingData data;
  data.description = {{"kind", "idx"}, {"files", nlohmann::json::array()}};
  const auto read = [&](const char* name) {
    const fs::path plain = folder / name;
    const fs::path path = fs::exists(plain) ? plain : fs::path(plain.string() + ".gz");
    if (!fs::exists(path)) {
      throw DataError(
          folder.string(), std::string("has no ") + name + " (or " + name + ".gz)",
          "Fashion-MNIST: apt-get install dataset-fashion-mnist; MNIST: its four files");
    }
    data.description["files"].push_back(identify_source(path));
    return read_idx(path);
  };
  const at::Tensor images = read("train-images-idx3-ubyte");
  data.train =
      first_samples(images, read("train-labels-idx1-ubyte"), train, folder, "--train-samples");
  const at::Tensor held_out = read("t10k-images-idx3-ubyte");
  data.validation = first_samples(held_out, read("t10k-labels-idx1-ubyte"), validation, folder,
                                  "--validation-samples");
  if (data.validation.inputs.sizes().slice(1) != data.train.inputs.sizes().slice(1)) {
    throw DataError(folder.string(), "training and validation images differ in size");
  }
  data.classes = std::max(data.train.labels.max().item<int64_t>(),
                          data.validation.labels.max().item<int64_t>()) +
                 1;
  data.transform = standardising_transform(data.train.inputs);
  return data;
}

}  // namespace explaind
