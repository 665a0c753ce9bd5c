#pragma once
// A file of named tensors, mapped read-only, whatever its format.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// The views of tensors() live as long as this.
class WeightFile {
 public:
  virtual ~WeightFile() = default;
  [[nodiscard]] virtual const MappedFile& file() const = 0;
  [[nodiscard]] virtual const std::vector<TensorView>& tensors() const = 0;
  /// What of the file was left out or copied, a sentence each.
  [[nodiscard]] virtual const std::vector<std::string>& notes() const = 0;
  /// The bytes that say what is in the file: they identify it.
  [[nodiscard]] virtual std::span<const std::byte> header() const = 0;
};

/// Opens a safetensors file or one of torch.save, by its content. Throws DataError naming the file
/// and what is wrong with it, or what it is instead.
std::shared_ptr<const WeightFile> open_weight_file(const std::filesystem::path& path);

}  // namespace explaind
