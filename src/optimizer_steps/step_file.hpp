#pragma once
// What one optimizer step at a checkpoint is made of, in a mapped file of a run's scratch folder.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"
#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// Arrays of the model's size: θ' where it is not known otherwise, then parts of Δ = θ' − θ. They
/// stream like a checkpoint: pages that memory has no room for go back to the disk. The layout
/// follows from the shapes alone, so every rank maps what another one wrote; the folder is removed
/// when the run ends, and made anew by the next one.
class StepFile {
 public:
  struct Layout {
    std::vector<NamedShape> parameters;
    bool has_end = true;      ///< θ' is there
    Dtype end = Dtype::f32;   ///< of θ': fp32 or fp64
    Dtype part = Dtype::f32;  ///< of the parts
    int64_t parts = 0;
  };
  /// Makes a file of zeros, to be written (`writable`), or maps one that is there. Throws DataError
  /// where the file system fails, or the file has not the layout's size.
  StepFile(std::filesystem::path path, Layout layout, bool writable);
  ~StepFile();
  StepFile(const StepFile&) = delete;
  StepFile& operator=(const StepFile&) = delete;

  /// Views and tensors of the mapped bytes, valid as long as this.
  [[nodiscard]] TensorView end(size_t parameter) const;
  [[nodiscard]] TensorView part(int64_t index, size_t parameter) const;
  /// Brings what was written to the disk, where ranks of other machines find it. Throws DataError
  /// where that fails.
  void sync() const;
  [[nodiscard]] at::Tensor mutable_end(size_t parameter) const;
  [[nodiscard]] at::Tensor mutable_part(int64_t index, size_t parameter) const;

 private:
  /// Array 0: θ', whether it is there or not.
  [[nodiscard]] TensorView view(int64_t array, size_t parameter) const;

  std::filesystem::path path_;
  Layout layout_;
  std::vector<size_t> offsets_;  ///< array, parameter
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace explaind
