#include "tensors/convolution.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

struct ConvolutionShape {
  int64_t batch, in, out, pixels, kernel, stride, padding;
};

/// Small ones are LibTorch's own, large ones shared.
const std::vector<ConvolutionShape> convolution_shapes{{3, 2, 5, 9, 3, 1, 1},
                                                       {9, 16, 24, 32, 3, 1, 1},
                                                       {17, 3, 20, 33, 5, 2, 0},
                                                       {40, 32, 40, 17, 3, 2, 1}};

using Three = std::array<at::Tensor, 3>;  ///< y, ∂x, ∂W

at::Tensor made(at::IntArrayRef shape, int64_t seed, at::ScalarType type) {
  at::manual_seed(seed);
  return at::randn(shape, at::kDouble).to(type);
}

template <typename F>
Three found_by(const F& convolve, const ConvolutionShape& s, at::ScalarType type) {
  const at::Tensor x = made({s.batch, s.in, s.pixels, s.pixels}, 1, type).requires_grad_(true);
  const at::Tensor w = made({s.out, s.in, s.kernel, s.kernel}, 2, type).requires_grad_(true);
  const at::Tensor y = convolve(x, w);
  y.backward(made(y.sizes(), 3, type));
  return {y.detach(), x.grad(), w.grad()};
}

Three ours(const ConvolutionShape& s, at::ScalarType type, int threads) {
  const ThreadTeam team(threads);
  return found_by([&](const at::Tensor& x,
                      const at::Tensor& w) { return convolution(x, w, s.stride, s.padding); },
                  s, type);
}

TEST(Convolution, IsTheConvolutionAndHasTheSameBitsForAnyNumberOfThreads) {
  for (const ConvolutionShape& s : convolution_shapes) {
    const Three expected = found_by(
        [&](const at::Tensor& x, const at::Tensor& w) {
          return at::conv2d(x, w, {}, {s.stride, s.stride}, {s.padding, s.padding});
        },
        s, at::kDouble);
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      const Three one = ours(s, type, 1);
      for (size_t i = 0; i < one.size(); ++i) {
        const double error =
            ((one[i].to(at::kDouble) - expected[i]).abs().max() / expected[i].abs().max())
                .item<double>();
        EXPECT_LT(error, type == at::kFloat ? 1e-5 : 1e-12) << i << ", batch " << s.batch;
      }
      for (const int threads : {2, 4}) {
        const Three more = ours(s, type, threads);
        for (size_t i = 0; i < one.size(); ++i) {
          EXPECT_TRUE(at::equal(one[i], more[i])) << i << ", batch " << s.batch;
        }
      }
    }
  }
}

}  // namespace
}  // namespace explaind
