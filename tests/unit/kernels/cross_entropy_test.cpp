#include "kernels/cross_entropy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace explaind::kernels {
namespace {

const std::vector<double> logits{1.5, -2.0, 0.25, 3.0, -700.0};

long double softmax(size_t chosen) {
  long double sum = 0;
  for (const double logit : logits) sum += std::exp(static_cast<long double>(logit));
  return std::exp(static_cast<long double>(logits[chosen])) / sum;
}

TEST(CrossEntropy, IsMinusLogSoftmax) {
  for (size_t target = 0; target < 4; ++target) {
    EXPECT_NEAR(cross_entropy(logits.data(), 5, static_cast<int64_t>(target)),
                static_cast<double>(-std::log(softmax(target))), 1e-15);
  }
}

TEST(CrossEntropy, GradientIsScaledSoftmaxLessOneHot) {
  std::vector<double> gradient = logits;
  const double loss = cross_entropy_backward(gradient.data(), 5, 2, 0.5);
  EXPECT_EQ(loss, cross_entropy(logits.data(), 5, 2));
  for (size_t v = 0; v < 5; ++v) {
    const double expected = 0.5 * (static_cast<double>(softmax(v)) - (v == 2 ? 1 : 0));
    EXPECT_NEAR(gradient[v], expected, 1e-16);
  }
}

TEST(CrossEntropy, SurvivesLogitsThatOverflowAnExponential) {
  std::vector<float> large{1000.0F, 990.0F};
  EXPECT_NEAR(cross_entropy_backward(large.data(), 2, 1, 1.0), 10.0 + std::log1p(std::exp(-10.0)),
              1e-12);
  EXPECT_NEAR(large[0], 1.0, 1e-4);
  EXPECT_NEAR(large[0] + large[1], 0.0, 1e-7);
}

TEST(CrossEntropy, FloatLogitsAreSummedInDouble) {
  // 2^24 + 1 equal logits: a float sum of exponentials stops at 2^24.
  const std::vector<float> equal((1 << 24) + 4096, 0.0F);
  const auto size = static_cast<int64_t>(equal.size());
  EXPECT_NEAR(cross_entropy(equal.data(), size, 7), std::log(static_cast<double>(size)), 1e-12);
}

}  // namespace
}  // namespace explaind::kernels
