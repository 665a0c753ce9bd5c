#include "tensors/elementwise.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

using Function = at::Tensor (*)(const at::Tensor&);

/// Below what is shared, and above with an end that fits no vector.
const std::vector<int64_t> lengths{1, 1001, (1 << 21) + 13};

/// Different for every seed, and cheap.
at::Tensor made(int64_t length, at::ScalarType type, int64_t seed) {
  return (at::arange(length, type) * (0.37 + static_cast<double>(seed))).remainder(7) - 3.5;
}

/// f(x) and its gradient for a fixed δ.
std::pair<at::Tensor, at::Tensor> found_by(const Function function, int threads, int64_t length,
                                           at::ScalarType type) {
  const ThreadTeam team(threads);
  const at::Tensor x = made(length, type, 1).requires_grad_(true);
  const at::Tensor y = function(x);
  y.backward(made(length, type, 2));
  EXPECT_EQ(team.shared() > 0, threads > 1 && length > 1001);
  return {y.detach(), x.grad()};
}

TEST(Elementwise, IsLibTorchsAndHasTheSameBitsForAnyNumberOfThreads) {
  const std::vector<std::pair<Function, Function>> functions{
      {each_silu, [](const at::Tensor& x) { return at::silu(x); }},
      {each_gelu, [](const at::Tensor& x) { return at::gelu(x); }},
      {each_relu, [](const at::Tensor& x) { return at::relu(x); }},
      {[](const at::Tensor& x) { return each_product(x, made(x.numel(), x.scalar_type(), 3)); },
       [](const at::Tensor& x) { return x * made(x.numel(), x.scalar_type(), 3); }},
      {[](const at::Tensor& x) { return each_product(made(x.numel(), x.scalar_type(), 3), x); },
       [](const at::Tensor& x) { return x * made(x.numel(), x.scalar_type(), 3); }},
      {[](const at::Tensor& x) { return each_sum(x, made(x.numel(), x.scalar_type(), 3)); },
       [](const at::Tensor& x) { return x + made(x.numel(), x.scalar_type(), 3); }},
      {[](const at::Tensor& x) { return each_sum(made(x.numel(), x.scalar_type(), 3), x); },
       [](const at::Tensor& x) { return x + made(x.numel(), x.scalar_type(), 3); }},
      {[](const at::Tensor& x) { return each_sum(x, x); },
       [](const at::Tensor& x) { return x + x; }}};
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const auto& [ours, theirs] : functions) {
      for (const int64_t length : lengths) {
        const auto one = found_by(ours, 1, length, type);
        const at::Tensor x = made(length, type, 1).requires_grad_(true);
        const at::Tensor y = theirs(x);
        y.backward(made(length, type, 2));
        EXPECT_TRUE(at::allclose(one.first, y, 1e-6, 1e-6));
        EXPECT_TRUE(at::allclose(one.second, x.grad(), 1e-6, 1e-6));
        for (const int threads : {2, 4}) {
          const auto more = found_by(ours, threads, length, type);
          EXPECT_TRUE(at::equal(one.first, more.first)) << length;
          EXPECT_TRUE(at::equal(one.second, more.second)) << length;
        }
      }
    }
  }
}

/// Rows of x: f(x) and its gradient for a fixed δ have LibTorch's own bits, for any number of
/// threads.
void expect_own_bits(const std::function<at::Tensor(const at::Tensor&)>& ours,
                     const std::function<at::Tensor(const at::Tensor&)>& theirs) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const int64_t rows : {3, 30011}) {
      const at::Tensor delta = made(rows * 77, type, 2).view({1, rows, 77});
      const auto found = [&](const auto& function) {
        const at::Tensor x = made(rows * 77, type, 1).view({1, rows, 77}).requires_grad_(true);
        const at::Tensor y = function(x);
        y.backward(delta);
        return std::pair{y.detach(), x.grad()};
      };
      const auto right = found(theirs);
      for (const int threads : {1, 2, 4}) {
        const ThreadTeam team(threads);
        const auto found_here = found(ours);
        EXPECT_EQ(team.shared() > 0, threads > 1 && rows > 3);
        EXPECT_TRUE(at::equal(found_here.first, right.first)) << rows << " rows";
        EXPECT_TRUE(at::equal(found_here.second, right.second)) << rows << " rows";
      }
    }
  }
}

TEST(Elementwise, RowsAreShiftedWithTheSameBits) {
  const auto bias = [](const at::Tensor& x) { return made(77, x.scalar_type(), 5); };
  expect_own_bits([&](const at::Tensor& x) { return each_shifted(x, bias(x)); },
                  [&](const at::Tensor& x) { return x + bias(x); });
}

TEST(Elementwise, RowsAreCentredWithTheSameBits) {
  expect_own_bits([](const at::Tensor& x) { return each_centred(x); },
                  [](const at::Tensor& x) { return x - x.mean(-1, /*keepdim=*/true); });
}

}  // namespace
}  // namespace explaind
