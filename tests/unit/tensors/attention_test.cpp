#include "tensors/attention.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "tensors/thread_team.hpp"

// B samples, H heads, G key-value heads, T positions, d head size.

namespace explaind {
namespace {

struct AttentionShape {
  int64_t batch, heads, groups, positions, d;
};

/// Small ones are LibTorch's own, large ones shared; one sample alone is cut by heads.
const std::vector<AttentionShape> attention_shapes{
    {2, 4, 4, 7, 16}, {8, 8, 8, 128, 32}, {1, 6, 3, 400, 32}, {3, 5, 5, 250, 24}};

using Four = std::array<at::Tensor, 4>;  ///< result, ∂q, ∂k, ∂v

/// B T H d seen as B H T d, as networks have it.
at::Tensor random_heads(const AttentionShape& shape, int64_t heads, int64_t seed,
                        at::ScalarType type) {
  at::manual_seed(seed);
  return at::randn({shape.batch, shape.positions, heads, shape.d}, at::kDouble)
      .to(type)
      .transpose(1, 2)
      .requires_grad_(true);
}

Four found_by(int threads, const AttentionShape& shape, bool causal, at::ScalarType type) {
  const ThreadTeam team(threads);
  const at::Tensor q = random_heads(shape, shape.heads, 1, type),
                   k = random_heads(shape, shape.groups, 2, type),
                   v = random_heads(shape, shape.groups, 3, type);
  const at::Tensor y =
      fused_attention(q, k, v, causal, 1 / std::sqrt(static_cast<double>(shape.d)));
  y.backward(random_heads(shape, shape.heads, 4, type).detach());
  return {y.detach(), q.grad(), k.grad(), v.grad()};
}

Four by_definition(const AttentionShape& shape, bool causal) {
  const at::Tensor q = random_heads(shape, shape.heads, 1, at::kDouble),
                   k = random_heads(shape, shape.groups, 2, at::kDouble),
                   v = random_heads(shape, shape.groups, 3, at::kDouble);
  const int64_t each = shape.heads / shape.groups;
  at::Tensor logits = at::matmul(q, k.repeat_interleave(each, 1).transpose(2, 3)) /
                      std::sqrt(static_cast<double>(shape.d));
  if (causal) {
    const at::Tensor later = at::ones({shape.positions, shape.positions}, at::kBool).triu(1);
    logits = logits.masked_fill(later, -INFINITY);
  }
  const at::Tensor y = at::matmul(at::softmax(logits, -1), v.repeat_interleave(each, 1));
  y.backward(random_heads(shape, shape.heads, 4, at::kDouble).detach());
  return {y.detach(), q.grad(), k.grad(), v.grad()};
}

TEST(FusedAttention, IsAttentionAndHasTheSameBitsForAnyNumberOfThreads) {
  for (const AttentionShape& shape : attention_shapes) {
    for (const bool causal : {true, false}) {
      const Four expected = by_definition(shape, causal);
      for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
        const Four one = found_by(1, shape, causal, type);
        for (size_t i = 0; i < one.size(); ++i) {
          const double scale = expected[i].abs().max().item<double>();
          const double error =
              (one[i].to(at::kDouble) - expected[i]).abs().max().item<double>() / scale;
          EXPECT_LT(error, type == at::kFloat ? 1e-5 : 1e-12) << i << ", " << shape.positions;
        }
        for (const int threads : {2, 4}) {
          const Four more = found_by(threads, shape, causal, type);
          for (size_t i = 0; i < one.size(); ++i) {
            EXPECT_TRUE(at::equal(one[i], more[i])) << i << ", " << shape.positions;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace explaind
