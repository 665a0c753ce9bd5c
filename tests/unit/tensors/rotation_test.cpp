#include "tensors/rotation.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <utility>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

/// As the formula has it, an operation at a time. x: B H T d; cosine, sine: T n.
at::Tensor as_written(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const int64_t n = cosine.size(1), half = n / 2;
  const at::Tensor first = x.slice(-1, 0, half), second = x.slice(-1, half, n);
  return at::cat(
      {x.slice(-1, 0, n) * cosine + at::cat({-second, first}, -1) * sine, x.slice(-1, n)}, -1);
}

struct Case {
  int64_t samples, heads, positions, head_size, turned;
};

/// y and the gradient of x for a fixed δ.
template <typename F>
std::pair<at::Tensor, at::Tensor> found_by(const F& function, const at::Tensor& x,
                                           const at::Tensor& delta) {
  const at::Tensor leaf = x.detach().requires_grad_(true);
  const at::Tensor y = function(leaf);
  y.backward(delta);
  return {y.detach(), leaf.grad()};
}

void expect_bits(const Case& shape, at::ScalarType type, bool shared) {
  at::manual_seed(7);
  const auto [B, H, T, d, n] = shape;
  // The network's own memory is B T H d.
  const at::Tensor x = at::randn({B, T, H, d}, type).transpose(1, 2);
  const at::Tensor delta = at::randn({B, H, T, d}, type);
  const at::Tensor angles = at::randn({T, n / 2}, type);
  const at::Tensor both = at::cat({angles, angles}, -1), cosine = both.cos(), sine = both.sin();
  const auto right =
      found_by([&](const at::Tensor& v) { return as_written(v, cosine, sine); }, x, delta);
  for (const int threads : {1, 2, 4}) {
    const ThreadTeam team(threads);
    const auto found =
        found_by([&](const at::Tensor& v) { return rotated(v, cosine, sine); }, x, delta);
    EXPECT_EQ(team.shared() > 0, threads > 1 && shared);
    EXPECT_TRUE(at::equal(found.first, right.first)) << d << ' ' << n;
    EXPECT_TRUE(at::equal(found.second, right.second)) << d << ' ' << n;
  }
}

TEST(Rotation, HasTheBitsOfTheFormulaForAnyNumberOfThreads) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    expect_bits({2, 3, 5, 8, 8}, type, /*shared=*/false);
    expect_bits({2, 3, 5, 8, 2}, type, /*shared=*/false);  // the others stay
    expect_bits({4, 8, 1031, 72, 36}, type, /*shared=*/true);
  }
}

TEST(Rotation, TakesPartsOfAFusedProjection) {
  const at::Tensor all = at::randn({2, 5, 3, 3, 8});  // B T H 3 d
  const at::Tensor x = all.select(3, 1).transpose(1, 2);
  const at::Tensor angles = at::randn({5, 4}), both = at::cat({angles, angles}, -1);
  EXPECT_TRUE(at::equal(rotated(x, both.cos(), both.sin()), as_written(x, both.cos(), both.sin())));
  // A last axis with gaps is put together first.
  const at::Tensor gaps = at::randn({2, 3, 5, 16}).slice(-1, 0, 16, 2);
  EXPECT_TRUE(
      at::equal(rotated(gaps, both.cos(), both.sin()), as_written(gaps, both.cos(), both.sin())));
}

}  // namespace
}  // namespace explaind
