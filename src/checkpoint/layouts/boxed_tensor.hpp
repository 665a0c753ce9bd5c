#pragma once
// A tensor that is stored in boxes, as ranks save what each of them holds.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.hpp"

namespace explaind {

/// Elements offsets[a] ≤ i < offsets[a] + sizes[a] of each axis a, row by row at `data`.
struct Box {
  std::vector<int64_t> offsets, sizes;
  const std::byte* data = nullptr;
};

/// Elements are counted in the order of a tensor that lies row by row.
class BoxedTensor {
 public:
  /// name: for messages, which begin with `where`. Pre-condition: boxes lie inside the shape.
  /// Throws DataError where they overlap or leave a hole.
  BoxedTensor(std::string name, Dtype dtype, std::vector<int64_t> shape, std::vector<Box> boxes,
              const std::string& where);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Dtype dtype() const { return dtype_; }
  [[nodiscard]] const std::vector<int64_t>& shape() const { return shape_; }
  [[nodiscard]] int64_t elements() const { return elements_; }

  /// Where elements first … first + count − 1 lie one after the other; null where they do not.
  [[nodiscard]] const std::byte* contiguous(int64_t first, int64_t count) const;
  /// Writes them one after the other.
  void copy(int64_t first, int64_t count, std::byte* out) const;

 private:
  /// A box as lines of elements that follow each other in tensor and box alike.
  struct Lines {
    int64_t length = 1, count = 1;
    size_t axis = 0;  ///< a line runs along it and all behind it
  };
  [[nodiscard]] Lines lines_of(const Box& box) const;
  /// The first element of a box's line, as the tensor counts them.
  [[nodiscard]] int64_t start(const Box& box, const Lines& lines, int64_t line) const;
  void require_cover(const std::string& where) const;

  std::string name_;
  Dtype dtype_;
  std::vector<int64_t> shape_;
  int64_t elements_;
  std::vector<Box> boxes_;  ///< none empty
};

}  // namespace explaind
