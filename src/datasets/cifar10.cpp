#include "datasets/cifar10.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <optional>

#include "checkpoint/mapped_file.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "datasets/source_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr int64_t channels = 3, side = 32, labels = 10;
constexpr size_t pixels = channels * side * side, record = 1 + pixels;

/// Label of CIFAR-10 → class of the run; −1: left out.
using ClassMap = std::array<int64_t, labels>;

ClassMap class_map(const std::vector<int64_t>& classes) {
  ClassMap map{};
  if (classes.empty()) {
    std::iota(map.begin(), map.end(), 0);
    return map;
  }
  map.fill(-1);
  for (size_t i = 0; i < classes.size(); ++i) {
    const int64_t label = classes[i];
    if (label < 0 || label >= labels || map[static_cast<size_t>(label)] >= 0) {
      throw UsageError("--classes", fmt::format("{} is no label of 0 to 9, or there twice", label),
                       "cat is 3, dog is 5");
    }
    map[static_cast<size_t>(label)] = static_cast<int64_t>(i);
  }
  return map;
}

std::vector<fs::path> training_files(const fs::path& folder) {
  std::vector<fs::path> files;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("data_batch_") && name.ends_with(".bin")) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The samples of these classes, at most `count` (0: all), in the order of the files.
Dataset read(const std::vector<fs::path>& files, const ClassMap& map, int64_t count,
             const char* option) {
  std::vector<uint8_t> images;
  std::vector<int64_t> classes;
  for (const fs::path& path : files) {
    const MappedFile file(path);
    const size_t size = file.bytes().size();
    if (size == 0 || size % record != 0) {
      throw DataError(path.string(),
                      fmt::format("{} bytes are no whole number of records of {}", size, record),
                      "The binary version of CIFAR-10 is needed (cifar-10-batches-bin)");
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(file.bytes().data());
    for (size_t at = 0; at < size; at += record) {
      if (bytes[at] >= labels) {
        throw DataError(path.string(),
                        fmt::format("record {} has the label {}", at / record, bytes[at]),
                        "The binary version of CIFAR-10 is needed, not that of CIFAR-100");
      }
      const int64_t label = map[bytes[at]];
      if (label < 0) continue;
      if (count > 0 && static_cast<int64_t>(classes.size()) == count) break;
      classes.push_back(label);
      images.insert(images.end(), bytes + at + 1, bytes + at + record);
    }
  }
  const auto found = static_cast<int64_t>(classes.size());
  if (found < std::max<int64_t>(count, 1)) {
    throw DataError(
        files.front().parent_path().string(),
        fmt::format("has {} of these classes, {} asked for", counted(found, "sample"), count),
        std::string("Lower ") + option);
  }
  Dataset data{at::empty({found, channels, side, side}, at::kByte), at::tensor(classes, at::kLong)};
  std::memcpy(data.inputs.data_ptr(), images.data(), images.size());
  return data;
}

}  // namespace

TrainingData read_cifar10(const fs::path& folder, const std::vector<int64_t>& classes,
                          int64_t train, int64_t validation) {
  const ClassMap map = class_map(classes);
  const std::vector<fs::path> files = training_files(folder);
  const fs::path test = folder / "test_batch.bin";
  if (files.empty() || !fs::exists(test)) {
    throw DataError(folder.string(), "has no data_batch_*.bin and test_batch.bin",
                    "Unpack cifar-10-binary.tar.gz there (configs/README.md)");
  }
  TrainingData data;
  data.train = read(files, map, train, "--train-samples");
  data.validation = read({test}, map, validation, "--validation-samples");
  data.classes = classes.empty() ? labels : static_cast<int64_t>(classes.size());
  data.transform = standardising_transform(data.train.inputs);
  data.description = {{"kind", "cifar10"}, {"classes", classes}};
  for (const fs::path& path : files) data.description["files"].push_back(identify_source(path));
  data.description["files"].push_back(identify_source(test));
  return data;
}

}  // namespace explaind
