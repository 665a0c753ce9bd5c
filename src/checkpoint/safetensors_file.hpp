#pragma once
// A safetensors file mapped read-only.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/safetensors_header.hpp"
#include "checkpoint/weight_file.hpp"

namespace explaind {

/// The views of `tensors()` live as long as this.
class SafetensorsFile final : public WeightFile {
 public:
  /// Throws DataError naming the file and the rule of the format that is broken.
  explicit SafetensorsFile(const std::filesystem::path& path)
      : file_(path), contents_(parse_safetensors(file_.bytes(), path.string())) {}

  [[nodiscard]] const MappedFile& file() const override { return file_; }
  /// In the order of their bytes.
  [[nodiscard]] const std::vector<TensorView>& tensors() const override {
    return contents_.tensors;
  }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const {
    return contents_.metadata;
  }
  /// Length and JSON: the first 8 + N bytes.
  [[nodiscard]] std::span<const std::byte> header() const override {
    return file_.bytes().first(contents_.header_bytes);
  }

 private:
  MappedFile file_;
  SafetensorsContents contents_;
  std::vector<std::string> notes_;  ///< none: everything in the file is a tensor in rows
};

}  // namespace explaind
