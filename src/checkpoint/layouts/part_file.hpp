#pragma once
// A file of a saved state, as far as what is done with every weight file goes.

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/weight_file.hpp"

namespace explaind {

/// A file that something else has mapped and taken apart.
class PartFile final : public WeightFile {
 public:
  /// owner: keeps `file` and `header` alive. header: the bytes that say what is in the file.
  PartFile(std::shared_ptr<const void> owner, const MappedFile& file,
           std::span<const std::byte> header)
      : owner_(std::move(owner)), file_(file), header_(header) {}

  /// A tensor that lies whole and row by row in the file.
  void add(TensorView tensor) { tensors_.push_back(std::move(tensor)); }

  [[nodiscard]] const MappedFile& file() const override { return file_; }
  [[nodiscard]] const std::vector<TensorView>& tensors() const override { return tensors_; }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }
  [[nodiscard]] std::span<const std::byte> header() const override { return header_; }

 private:
  std::shared_ptr<const void> owner_;
  const MappedFile& file_;
  std::span<const std::byte> header_;
  std::vector<TensorView> tensors_;
  std::vector<std::string> notes_;
};

}  // namespace explaind
