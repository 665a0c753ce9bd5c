#include "tensors/attention.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <utility>
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

/// Which positions a position does not see: later ones, and with a window those that lie that far
/// back. T T.
at::Tensor hidden(const AttentionShape& shape, int64_t window) {
  const at::Tensor all = at::ones({shape.positions, shape.positions}, at::kBool);
  return window == 0 ? all.triu(1) : all.triu(1).logical_or(all.tril(-window));
}

/// window: 0 without one.
Four found_by(int threads, const AttentionShape& shape, bool causal, int64_t window,
              at::ScalarType type) {
  const ThreadTeam team(threads);
  const at::Tensor q = random_heads(shape, shape.heads, 1, type),
                   k = random_heads(shape, shape.groups, 2, type),
                   v = random_heads(shape, shape.groups, 3, type);
  const double scale = 1 / std::sqrt(static_cast<double>(shape.d));
  const at::Tensor y = window > 0 ? fused_attention(q, k, v, hidden(shape, window), scale)
                                  : fused_attention(q, k, v, causal, scale);
  y.backward(random_heads(shape, shape.heads, 4, type).detach());
  return {y.detach(), q.grad(), k.grad(), v.grad()};
}

Four by_definition(const AttentionShape& shape, bool causal, int64_t window) {
  const at::Tensor q = random_heads(shape, shape.heads, 1, at::kDouble),
                   k = random_heads(shape, shape.groups, 2, at::kDouble),
                   v = random_heads(shape, shape.groups, 3, at::kDouble);
  const int64_t each = shape.heads / shape.groups;
  at::Tensor logits = at::matmul(q, k.repeat_interleave(each, 1).transpose(2, 3)) /
                      std::sqrt(static_cast<double>(shape.d));
  if (causal) {
    logits = logits.masked_fill(hidden(shape, window), -INFINITY);
  }
  const at::Tensor y = at::matmul(at::softmax(logits, -1), v.repeat_interleave(each, 1));
  y.backward(random_heads(shape, shape.heads, 4, at::kDouble).detach());
  return {y.detach(), q.grad(), k.grad(), v.grad()};
}

TEST(FusedAttention, IsAttentionAndHasTheSameBitsForAnyNumberOfThreads) {
  for (const AttentionShape& shape : attention_shapes) {
    for (const auto& [causal, window] :
         std::vector<std::pair<bool, int64_t>>{{true, 0}, {false, 0}, {true, 5}}) {
      const Four expected = by_definition(shape, causal, window);
      for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
        const Four one = found_by(1, shape, causal, window, type);
        for (size_t i = 0; i < one.size(); ++i) {
          const double scale = expected[i].abs().max().item<double>();
          const double error =
              (one[i].to(at::kDouble) - expected[i]).abs().max().item<double>() / scale;
          EXPECT_LT(error, type == at::kFloat ? 1e-5 : 1e-12) << i << ", " << shape.positions;
        }
        for (const int threads : {2, 4}) {
          const Four more = found_by(threads, shape, causal, window, type);
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
