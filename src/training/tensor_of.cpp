#include "training/tensor_of.hpp"

#include <ATen/ATen.h>

#include <cstring>

#include "core/error.hpp"

namespace explaind {

at::ScalarType scalar_type_of(Dtype dtype, const std::string& name) {
  switch (dtype) {
    case Dtype::f32:
      return at::kFloat;
    case Dtype::f64:
      return at::kDouble;
    case Dtype::i64:
      return at::kLong;
    case Dtype::u8:
      return at::kByte;
    default:
      throw DataError(name, "is of type " + to_string(dtype) + ", which runs do not hold");
  }
}

at::Tensor tensor_of(const TensorView& view) {
  at::Tensor tensor = at::empty(view.shape, scalar_type_of(view.dtype, view.name));
  std::memcpy(tensor.data_ptr(), view.data, view.bytes);
  return tensor;
}

}  // namespace explaind
