#include "kernels/contract.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace explaind::kernels {
namespace {

template <typename Real>
class Contract : public ::testing::Test {
 protected:
  static constexpr int64_t positions = 7, columns = 37, stride = 41;
  Contract() : delta(positions * stride), z(positions * stride) {
    std::mt19937 engine(1);
    std::normal_distribution<double> normal;
    for (Real& value : delta) value = static_cast<Real>(normal(engine));
    for (Real& value : z) value = static_cast<Real>(normal(engine));
  }
  [[nodiscard]] double product(int64_t t, int64_t n) const {
    const auto i = static_cast<size_t>(t * stride + n);
    return static_cast<double>(delta[i]) * static_cast<double>(z[i]);
  }
  std::vector<Real> delta, z;
};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Contract, Reals);

TYPED_TEST(Contract, PositionsAreSummedPerColumn) {
  std::vector<double> out(this->columns, 99);
  contract_positions<TypeParam>({this->delta.data(), this->stride}, {this->z.data(), this->stride},
                                this->positions, {5, 30}, out.data());
  for (int64_t n = 0; n < this->columns; ++n) {
    double expected = 0;
    for (int64_t t = 0; t < this->positions; ++t) expected += this->product(t, n);
    if (n < 5 || n >= 30) expected = 99;
    EXPECT_NEAR(out[static_cast<size_t>(n)], expected, 1e-13);
  }
}

TYPED_TEST(Contract, ColumnsAreSummedPerPosition) {
  std::vector<double> out(this->positions * 2, 99);
  contract_columns<TypeParam>({this->delta.data(), this->stride}, {this->z.data(), this->stride},
                              this->positions, {2, 37}, out.data(), 2);
  for (int64_t t = 0; t < this->positions; ++t) {
    double expected = 0;
    for (int64_t n = 2; n < 37; ++n) expected += this->product(t, n);
    EXPECT_NEAR(out[static_cast<size_t>(2 * t)], expected, 1e-13);
    EXPECT_EQ(out[static_cast<size_t>(2 * t + 1)], 99);
  }
}

TYPED_TEST(Contract, NothingIsSummed) {
  std::vector<double> out(this->positions * 50, 99);
  contract_nothing<TypeParam>({this->delta.data(), this->stride}, {this->z.data(), this->stride},
                              this->positions, this->columns, out.data(), 50);
  for (int64_t t = 0; t < this->positions; ++t) {
    for (int64_t n = 0; n < this->columns; ++n) {
      EXPECT_EQ(out[static_cast<size_t>(50 * t + n)], this->product(t, n));
    }
    EXPECT_EQ(out[static_cast<size_t>(50 * t + this->columns)], 99);
  }
}

/// What is not asked for holds NaN in both factors: positions from 4 on, and columns outside [5,
/// 30).
TYPED_TEST(Contract, NothingElseIsRead) {
  constexpr int64_t length = 4, begin = 5, end = 30;
  const auto hide = [&](std::vector<TypeParam>& values) {
    for (int64_t i = 0; i < this->positions * this->stride; ++i) {
      const int64_t t = i / this->stride, n = i % this->stride;
      if (t < length && n >= begin && n < end) continue;
      values[static_cast<size_t>(i)] = std::numeric_limits<TypeParam>::quiet_NaN();
    }
  };
  hide(this->delta);
  hide(this->z);
  const Rows<TypeParam> factor{this->delta.data(), this->stride},
      response{this->z.data(), this->stride};
  const auto finite = [](const std::vector<double>& out) {
    return std::all_of(out.begin(), out.end(), [](double each) { return std::isfinite(each); });
  };
  std::vector<double> sums(this->columns), by_position(length), products(length * (end - begin));
  contract_positions<TypeParam>(factor, response, length, {begin, end}, sums.data());
  EXPECT_TRUE(finite(sums));
  contract_columns<TypeParam>(factor, response, length, {begin, end}, by_position.data(), 1);
  EXPECT_TRUE(finite(by_position));
  contract_nothing<TypeParam>({factor.data + begin, factor.stride},
                              {response.data + begin, response.stride}, length, end - begin,
                              products.data(), end - begin);
  EXPECT_TRUE(finite(products));
}

TYPED_TEST(Contract, AStrideOfZeroRepeatsOneRow) {
  std::vector<double> out(this->columns);
  contract_positions<TypeParam>({this->delta.data(), this->stride}, {this->z.data(), 0},
                                this->positions, {0, this->columns}, out.data());
  double expected = 0;
  for (int64_t t = 0; t < this->positions; ++t) {
    expected += static_cast<double>(this->delta[static_cast<size_t>(t * this->stride + 3)]);
  }
  EXPECT_NEAR(out[3], expected * static_cast<double>(this->z[3]), 1e-13);
}

TEST(Contraction, FloatProductsAreFormedInDouble) {
  const std::vector<float> large{16777216.0F, 1.0F}, one{1.0F, 1.0F};
  double out = 0;
  contract_columns<float>({large.data(), 2}, {one.data(), 2}, 1, {0, 2}, &out, 1);
  EXPECT_EQ(out, 16777217.0);  // fp32 would lose the 1
}

}  // namespace
}  // namespace explaind::kernels
