#pragma once
// A tensor's bytes as a view that files are written from.

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>

#include "checkpoint/tensor_view.hpp"
#include "core/error.hpp"

namespace explaind {

/// tensor: contiguous, on the CPU, of a type that runs hold; it must outlive the view.
inline TensorView view_of(std::string name, const at::Tensor& tensor) {
  const auto dtype = [&] {
    switch (tensor.scalar_type()) {
      case at::kFloat:
        return Dtype::f32;
      case at::kDouble:
        return Dtype::f64;
      case at::kLong:
        return Dtype::i64;
      case at::kByte:
        return Dtype::u8;
      default:
        throw DataError(name, "is of a type that is not recorded");
    }
  }();
  return {.name = std::move(name),
          .dtype = dtype,
          .shape = tensor.sizes().vec(),
          .data = static_cast<const std::byte*>(tensor.const_data_ptr()),
          .bytes = tensor.nbytes()};
}

}  // namespace explaind
