#pragma once
// Tensors that do not lie row by row in their storage (transposed, every second column), copied so
// that they do.

#include <cstddef>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/plain_data.hpp"

namespace explaind {

/// True where the tensor's elements lie one after the other, the last axis first.
bool is_contiguous(const PickledTensor& tensor);

/// Copies, each made once however many names it has. All together may take `most_bytes`, since a
/// file can name one element as a tensor of any size.
class ContiguousCopies {
 public:
  explicit ContiguousCopies(size_t most_bytes) : most_bytes_(most_bytes) {}

  /// The tensor's elements in rows. Pre-condition: they lie inside `storage`. Throws DataError
  /// naming `where` and the tensor where there are too many of them.
  std::span<const std::byte> copy(const PickledTensor& tensor, std::span<const std::byte> storage,
                                  const std::string& where);

  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] size_t count() const { return copies_.size(); }

 private:
  /// Storage, type, offset, shape and strides: what decides the elements.
  using Key = std::vector<int64_t>;

  size_t most_bytes_, bytes_ = 0;
  std::map<Key, std::vector<std::byte>> copies_;
};

}  // namespace explaind
