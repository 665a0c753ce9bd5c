#pragma once
// Rotary position embedding as Hugging Face computes it: halves, not interleaved.

#include <ATen/core/Tensor.h>

#include <vector>

#include "families/rope_config.hpp"

namespace explaind {

/// Inverse frequencies of a head of `head_dim`, scaled by the config's rope type: one for each pair
/// of coordinates that is turned, n/2.
/// single: rounded to fp32 at each step, as Hugging Face's fp32 tables are.
std::vector<double> inverse_frequencies(const RopeConfig& rope, int64_t head_dim, bool single);

/// cos and sin of position × inverse frequency, each T n (the halves repeated), in x's dtype; n
/// coordinates of a head are turned.
struct RotaryTables {
  at::Tensor cosine, sine;
};
RotaryTables rotary_tables(const RopeConfig& rope, int64_t head_dim, int64_t positions,
                           const at::TensorOptions& options);

/// x ⊙ cos + rotate_half(x) ⊙ sin of the first n coordinates; the others stay. x: B H T d.
at::Tensor rotate(const at::Tensor& x, const RotaryTables& tables);

}  // namespace explaind
