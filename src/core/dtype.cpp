#include "core/dtype.hpp"

#include <array>

namespace explaind {
namespace {

struct DtypeRow {
  Dtype dtype;
  size_t size;
  std::string_view name;
};

constexpr std::array<DtypeRow, 10> dtypes{{{Dtype::f64, 8, "F64"},
                                           {Dtype::f32, 4, "F32"},
                                           {Dtype::f16, 2, "F16"},
                                           {Dtype::bf16, 2, "BF16"},
                                           {Dtype::i64, 8, "I64"},
                                           {Dtype::i32, 4, "I32"},
                                           {Dtype::i16, 2, "I16"},
                                           {Dtype::i8, 1, "I8"},
                                           {Dtype::u8, 1, "U8"},
                                           {Dtype::boolean, 1, "BOOL"}}};

const DtypeRow& row(Dtype dtype) { return dtypes.at(static_cast<size_t>(dtype)); }

}  // namespace

size_t dtype_size(Dtype dtype) { return row(dtype).size; }

std::string to_string(Dtype dtype) { return std::string(row(dtype).name); }

std::optional<Dtype> parse_dtype(std::string_view name) {
  for (const DtypeRow& entry : dtypes) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

bool is_floating(Dtype dtype) {
  return dtype == Dtype::f64 || dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

}  // namespace explaind
