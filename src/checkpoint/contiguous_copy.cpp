#include "checkpoint/contiguous_copy.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "core/byte_size.hpp"
#include "core/error.hpp"

namespace explaind {

bool is_contiguous(const PickledTensor& tensor) {
  int64_t expected = 1;
  for (size_t axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] == 0) return true;
    if (tensor.shape[axis] > 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

std::span<const std::byte> ContiguousCopies::copy(const PickledTensor& tensor,
                                                  std::span<const std::byte> storage,
                                                  const std::string& where) {
  Key key{static_cast<int64_t>(reinterpret_cast<intptr_t>(storage.data())),
          static_cast<int64_t>(tensor.dtype), tensor.offset};
  key.insert(key.end(), tensor.shape.begin(), tensor.shape.end());
  key.insert(key.end(), tensor.strides.begin(), tensor.strides.end());
  const auto known = copies_.find(key);
  if (known != copies_.end()) return known->second;

  const size_t size = dtype_size(tensor.dtype);
  size_t bytes = size;
  for (const int64_t extent : tensor.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes)) bytes = SIZE_MAX;
    if (bytes == SIZE_MAX) break;
  }
  if (bytes > most_bytes_ - bytes_) {
    throw DataError(where,
                    fmt::format("the tensor \"{}\" repeats the elements of a small storage many "
                                "times over",
                                tensor.name),
                    "Save it again with .clone() of every tensor");
  }
  std::vector<std::byte> rows(bytes);
  const size_t rank = tensor.shape.size();
  std::vector<int64_t> index(rank, 0);
  int64_t at = tensor.offset;
  for (size_t written = 0; written < bytes; written += size) {
    std::memcpy(rows.data() + written, storage.data() + static_cast<size_t>(at) * size, size);
    for (size_t axis = rank; axis-- > 0;) {
      at += tensor.strides[axis];
      if (++index[axis] < tensor.shape[axis]) break;
      at -= tensor.strides[axis] * tensor.shape[axis];
      index[axis] = 0;
    }
  }
  bytes_ += bytes;
  return copies_.emplace(std::move(key), std::move(rows)).first->second;
}

}  // namespace explaind
