#pragma once
// How and where numbers are formed.

#include <cstdint>
#include <optional>
#include <string>

#include "sweeps/sweep.hpp"
#include "tensors/device.hpp"
#include "tensors/precision.hpp"

namespace explaind {

/// --product-form: "formed", "split", or "auto": split where no micro-batch has more than
/// `few_tokens` padded tokens, which follows from the samples alone. Throws UsageError for any
/// other word.
ProductForm choose_product_form(const std::string& word, int64_t largest_micro_batch);
std::string to_string(ProductForm form);

/// Up to so many tokens a node, one more product takes less time than forming W(t) (measured:
/// tests/benchmarks/results).
inline constexpr int64_t few_tokens = 32;

struct Computation {
  Precision precision;
  ProductForm form = ProductForm::formed;
  Device device = Device::cpu();
  /// The precision of F at the ends of segments; none: these values come out of the evaluations
  /// themselves.
  std::optional<Precision> values = {};
};

/// Throws UsageError where the device does not have the precision (tf32 without CUDA), and makes
/// LibTorch's products on CUDA round as it says.
void require_device(const Computation& computation);

}  // namespace explaind
