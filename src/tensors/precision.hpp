#pragma once
// In which types a network is computed.

#include <ATen/core/ScalarType.h>

#include <string>

namespace explaind {

/// Activations, norms, softmax, losses' logits and W(t) are in `type`. The operands of matrix
/// products are rounded once to `products`; bf16 ones are added in fp32, and LibTorch rounds their
/// results to bf16. Scores and losses are summed in fp64, and Δ is formed from the stored values in
/// `type`, whatever is chosen.
struct Precision {
  at::ScalarType type = at::kFloat;      ///< fp32 or fp64
  at::ScalarType products = at::kFloat;  ///< the same, or bf16
  bool tf32 = false;                     ///< fp32 products round their operands to 11 bits (CUDA)

  [[nodiscard]] bool rounds_products() const { return products != type; }
};

/// "fp64", "fp32", "tf32", "bf16"; throws UsageError for any other word.
Precision parse_precision(const std::string& word);

}  // namespace explaind
