#include "kernels/rms_norm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace explaind::kernels {
namespace {

constexpr int64_t columns = 21;  // no multiple of the eight partial sums
constexpr double epsilon = 1e-3;

/// Σ delta ⊙ y, a function of x and gain.
double value(const std::vector<double>& x, const std::vector<double>& gain,
             const std::vector<double>& delta) {
  double squares = 0, sum = 0;
  for (const double each : x) squares += each * each;
  const double scale = 1 / std::sqrt(squares / columns + epsilon);
  for (size_t i = 0; i < x.size(); ++i) sum += delta[i] * x[i] * scale * gain[i];
  return sum;
}

TEST(RmsNorm, ValueGradientAndResponseOfGain) {
  std::mt19937 engine(3);
  std::normal_distribution<double> normal;
  std::vector<double> x(columns), gain(columns), delta(columns), y(columns), gradient(columns),
      z(columns);
  for (auto* values : {&x, &gain, &delta}) {
    for (double& each : *values) each = normal(engine);
  }
  double scale = 0;
  const NormRows<double> in{.x = x.data(), .factors = gain.data(), .columns = columns};
  rms_norm(in, epsilon, {0, 1}, y.data(), &scale);
  rms_norm_backward(in, &scale, delta.data(), {0, 1}, gradient.data());
  rms_norm_response<double>({x.data(), delta.data(), columns}, &scale, {0, 1}, z.data());
  double sum = 0;
  for (size_t i = 0; i < columns; ++i) sum += delta[i] * y[i];
  EXPECT_NEAR(sum, value(x, gain, delta), 1e-13);
  for (size_t i = 0; i < columns; ++i) {
    constexpr double h = 1e-6;
    std::vector<double> up = x, down = x;
    up[i] += h;
    down[i] -= h;
    EXPECT_NEAR(gradient[i], (value(up, gain, delta) - value(down, gain, delta)) / (2 * h), 1e-8);
    EXPECT_NEAR(z[i], x[i] * scale * delta[i], 1e-15);
  }
}

TEST(RmsNorm, RowsAreIndependent) {
  const std::vector<float> x{1, 2, 3, 4}, gain{1, 0.5};
  std::vector<float> y(4, 9), scale(2, 9);
  rms_norm<float>({x.data(), gain.data(), 2}, 0.0, {1, 2}, y.data(), scale.data());
  EXPECT_EQ(y[0], 9);
  EXPECT_EQ(scale[0], 9);
  EXPECT_NEAR(y[2], 3 / std::sqrt(12.5), 1e-6);
  EXPECT_NEAR(y[3], 2 / std::sqrt(12.5), 1e-6);
}

}  // namespace
}  // namespace explaind::kernels
