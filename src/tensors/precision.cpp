#include "tensors/precision.hpp"

#include "core/error.hpp"

namespace explaind {

Precision parse_precision(const std::string& word) {
  if (word == "fp64") return {.type = at::kDouble, .products = at::kDouble};
  if (word == "fp32") return {};
  if (word == "tf32") return {.tf32 = true};
  if (word == "bf16") return {.products = at::kBFloat16};
  throw UsageError("--precision", "'" + word + "' is not available",
                   "Use fp64, fp32, tf32 or bf16");
}

}  // namespace explaind
