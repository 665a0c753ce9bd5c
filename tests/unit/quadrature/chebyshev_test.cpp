#include "quadrature/chebyshev.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

namespace explaind {
namespace {

/// T_k(2t − 1), from its definition.
double chebyshev(int k, double t) {
  return std::cos(k * std::acos(std::clamp(2 * t - 1, -1., 1.)));
}

/// ∫₀¹ T_k(2t − 1) dt.
double moment(int k) { return k % 2 == 0 ? 1.0 / (1.0 - double(k) * k) : 0.0; }

class Levels : public testing::TestWithParam<int> {
 protected:
  ChebyshevLevel level_{GetParam()};
  int p_ = GetParam() - 1;

  template <class F>
  double integrate(const F& f) const {
    double sum = 0;
    for (int k = 0; k <= p_; ++k) {
      sum += level_.weights()[static_cast<size_t>(k)] * f(level_.nodes()[static_cast<size_t>(k)]);
    }
    return sum;
  }

  /// decay() of tensors, each f(c, t).
  template <class F>
  CoefficientDecay decay(size_t tensors, const F& f) const {
    std::vector<std::vector<double>> values;
    std::vector<const double*> rows;
    for (const double t : level_.nodes()) {
      values.emplace_back();
      for (size_t c = 0; c < tensors; ++c) values.back().push_back(f(c, t));
    }
    for (const auto& row : values) rows.push_back(row.data());
    return level_.decay(rows, tensors);
  }
};

TEST_P(Levels, NodesAreNestedAndSymmetricToTheBit) {
  const std::vector<double>& t = level_.nodes();
  ASSERT_EQ(t.size(), static_cast<size_t>(p_ + 1));
  EXPECT_EQ(t.front(), 0.0);
  EXPECT_EQ(t[static_cast<size_t>(p_ / 2)], 0.5);
  EXPECT_EQ(t.back(), 1.0);
  const std::vector<double> finer = ChebyshevLevel(2 * p_ + 1).nodes();
  for (size_t k = 0; k < t.size(); ++k) {
    EXPECT_EQ(t[k], finer[2 * k]);
    if (t[k] <= 0.5) {
      EXPECT_EQ(t[t.size() - 1 - k], 1 - t[k]);
    }
    EXPECT_NEAR(t[k], (1 - std::cos(std::numbers::pi * double(k) / p_)) / 2, 4e-16);
    if (k > 0) {
      EXPECT_GT(t[k], t[k - 1]);
    }
  }
}

TEST_P(Levels, WeightsArePositiveMirroredAndSumToOne) {
  const std::vector<double>& w = level_.weights();
  EXPECT_THAT(w, testing::Each(testing::Gt(0.0)));
  EXPECT_TRUE(std::equal(w.begin(), w.end(), w.rbegin()));
  EXPECT_NEAR(std::accumulate(w.begin(), w.end(), 0.0), 1, 1e-15);
}

TEST_P(Levels, IntegratesEveryPolynomialItCan) {
  for (int k = 0; k <= p_; ++k) {
    EXPECT_NEAR(integrate([k](double t) { return std::pow(t, k); }), 1.0 / (k + 1), 1e-15) << k;
    EXPECT_NEAR(integrate([k](double t) { return chebyshev(k, t); }), moment(k), 1e-13) << k;
  }
  // One degree more (two where symmetry helps) is beyond it.
  EXPECT_GT(std::abs(integrate([this](double t) { return chebyshev(p_ + 2, t); }) - moment(p_ + 2)),
            1e-6);
}

TEST_P(Levels, LastCoefficientsAreTheLargestOfThree) {
  for (int k = 0; k <= p_; ++k) {
    const CoefficientDecay found =
        decay(2, [k](size_t c, double t) { return c == 1 ? -3 * chebyshev(k, t) : 0.0; });
    EXPECT_NEAR(found.last, k >= p_ - 2 ? 3 : 0, 1e-12) << k;
  }
}

TEST_P(Levels, RatioAndRateCompareTheEndWithTheMiddle) {
  const int q = p_ / 2;
  for (int back = 0; back < 3; ++back) {
    const CoefficientDecay found = decay(3, [&](size_t c, double t) {
      if (c == 0) return 0.25 * chebyshev(p_ - 1, t);
      return c == 1 ? 2 * chebyshev(q - back, t) : 50 * chebyshev(q + 1, t);
    });
    EXPECT_NEAR(found.last, 0.25, 1e-12);
    EXPECT_NEAR(found.ratio, 0.125, 1e-12);
    EXPECT_NEAR(found.rate, std::pow(0.125, 1.0 / q), 1e-12);
  }
  const CoefficientDecay flat = decay(1, [&](size_t, double t) { return chebyshev(p_, t); });
  EXPECT_NEAR(flat.ratio, 1, 1e-12);
  EXPECT_EQ(flat.rate, 0.995);
}

TEST_P(Levels, TailIsWhatTheRuleMakesOfUnseenPolynomials) {
  for (const double rate : {0.3, 0.9}) {
    double expected = 0;
    for (int j = 2; j <= 4 * p_; j += 2) {
      const int k = p_ + j;
      const double rule = integrate([k](double t) { return chebyshev(k, t); });
      expected += std::pow(rate, j) * std::abs(moment(k) - rule);
    }
    EXPECT_NEAR(level_.tail({.last = 5, .rate = rate, .ratio = 1}), 5 * expected, 1e-8 * expected);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Levels, testing::Values(9, 17, 33, 65, 129));

TEST(ChebyshevLevel, FiveNodesAreTheTextbook) {
  const std::vector<double> expected = {1 / 30., 8 / 30., 12 / 30., 8 / 30., 1 / 30.};
  EXPECT_THAT(ChebyshevLevel(5).weights(),
              testing::Pointwise(testing::DoubleNear(1e-16), expected));
}

}  // namespace
}  // namespace explaind
