#include "checkpoint/convert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "core/error.hpp"
#include "core/widen.hpp"

namespace explaind {
namespace {

/// The bit pattern of the element at index i.
template <typename T>
T load(const std::byte* data, size_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

template <typename Real>
void convert(const TensorView& tensor, int64_t first, std::span<Real> out) {
  const auto count = static_cast<int64_t>(out.size());
  const StoredValues values = values_of(tensor);
  if (first < 0 || first > tensor.elements() || count > tensor.elements() - first) {
    throw std::out_of_range("conversion outside the tensor " + tensor.name);
  }
  widen_values(values, first, out);
}

/// Index of the first element whose exponent bits are all set, or `count`. Bits: the unsigned type
/// of the element's width.
template <typename Bits>
size_t first_special(const std::byte* data, size_t count, Bits exponent) {
  constexpr size_t block = 4096;
  for (size_t begin = 0; begin < count; begin += block) {
    const size_t end = std::min(count, begin + block);
    Bits any = 0;
    for (size_t i = begin; i < end; ++i) {
      const Bits bits = load<Bits>(data, i);
      any = static_cast<Bits>(any | static_cast<Bits>((bits & exponent) == exponent ? 1 : 0));
    }
    if (any == 0) continue;
    for (size_t i = begin; i < end; ++i) {
      if ((load<Bits>(data, i) & exponent) == exponent) return i;
    }
  }
  return count;
}

size_t first_not_finite(const TensorView& tensor) {
  const auto count = static_cast<size_t>(tensor.elements());
  switch (tensor.dtype) {
    case Dtype::f64:
      return first_special<uint64_t>(tensor.data, count, 0x7ff0000000000000U);
    case Dtype::f32:
      return first_special<uint32_t>(tensor.data, count, 0x7f800000U);
    case Dtype::f16:
      return first_special<uint16_t>(tensor.data, count, 0x7c00U);
    case Dtype::bf16:
      return first_special<uint16_t>(tensor.data, count, 0x7f80U);
    default:
      return count;
  }
}

/// Row-major element number → coordinates.
std::vector<int64_t> coordinates(int64_t element, const std::vector<int64_t>& shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return index;
}

}  // namespace

StoredValues values_of(const TensorView& tensor) {
  if (!is_floating(tensor.dtype)) {
    throw DataError("tensor \"" + tensor.name + "\"",
                    "its dtype " + to_string(tensor.dtype) + " is not a floating type");
  }
  return {tensor.data, tensor.dtype};
}

void to_float(const TensorView& tensor, int64_t first, std::span<float> out) {
  convert(tensor, first, out);
}

void to_double(const TensorView& tensor, int64_t first, std::span<double> out) {
  convert(tensor, first, out);
}

void to_float(const TensorView& tensor, std::span<float> out) {
  if (static_cast<int64_t>(out.size()) != tensor.elements()) {
    throw std::out_of_range("conversion of a part of the tensor " + tensor.name);
  }
  convert(tensor, 0, out);
}

void to_double(const TensorView& tensor, std::span<double> out) {
  if (static_cast<int64_t>(out.size()) != tensor.elements()) {
    throw std::out_of_range("conversion of a part of the tensor " + tensor.name);
  }
  convert(tensor, 0, out);
}

void require_finite(const TensorView& tensor, const std::string& where) {
  const size_t found = first_not_finite(tensor);
  if (found == static_cast<size_t>(tensor.elements())) return;
  std::array<double, 1> value{};
  to_double(tensor, static_cast<int64_t>(found), value);
  throw DataError(
      where,
      fmt::format("tensor \"{}\": element {} is {}", tensor.name,
                  shape_to_string(coordinates(static_cast<int64_t>(found), tensor.shape)),
                  value[0] != value[0] ? "NaN" : (value[0] > 0 ? "infinite" : "minus infinite")),
      "Leave this checkpoint out of the series, or save it again");
}

}  // namespace explaind
