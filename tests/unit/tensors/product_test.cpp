#include "tensors/product.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

struct ProductShape {
  int64_t rows, in, out;
};

/// Few rows and many, narrow and wide, odd lengths, below and above what is shared.
const std::vector<ProductShape> product_shapes{
    {1, 64, 64},      {2, 113, 115},    {3, 512, 1376},  {4, 115, 113},
    {5, 512, 512},    {6, 1376, 512},   {7, 512, 8192},  {8, 2048, 2048},
    {9, 512, 8192},   {33, 1000, 3001}, {345, 128, 512}, {700, 113, 1001},
    {2048, 113, 600}, {1200, 513, 257}, {8000, 115, 48}, {37, 4095, 300}};

at::Tensor made(at::IntArrayRef shape, at::ScalarType type, uint64_t seed) {
  at::manual_seed(static_cast<int64_t>(seed));
  return at::randn(shape, at::kDouble).to(type);
}

struct Results {
  at::Tensor y, dx, dw, db;
};

Results results_of(const ProductShape& shape, at::ScalarType type, int threads, bool bias) {
  const ThreadTeam team(threads);
  const at::Tensor x = made({shape.rows, shape.in}, type, 1).requires_grad_(true),
                   w = made({shape.out, shape.in}, type, 2).requires_grad_(true);
  at::Tensor b;
  if (bias) b = made({shape.out}, type, 3).requires_grad_(true);
  const at::Tensor y = affine(x, w, b);
  y.backward(made({shape.rows, shape.out}, type, 4));
  return {y.detach(), x.grad(), w.grad(), bias ? b.grad() : at::Tensor()};
}

double largest_error(const at::Tensor& found, const at::Tensor& exact) {
  return ((found.to(at::kDouble) - exact).abs().max() / exact.abs().max()).item<double>();
}

class Product : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(Product, HasTheSameBitsForAnyNumberOfThreads) {
  for (const ProductShape& shape : product_shapes) {
    const Results one = results_of(shape, GetParam(), 1, shape.rows % 2 == 1);
    for (const int threads : {2, 4}) {
      const Results more = results_of(shape, GetParam(), threads, shape.rows % 2 == 1);
      EXPECT_TRUE(at::equal(one.y, more.y)) << shape.rows << " rows, y";
      EXPECT_TRUE(at::equal(one.dx, more.dx)) << shape.rows << " rows, ∂x";
      EXPECT_TRUE(at::equal(one.dw, more.dw)) << shape.rows << " rows, ∂W";
      if (!one.db.defined()) continue;
      EXPECT_TRUE(at::equal(one.db, more.db)) << shape.rows << " rows, ∂b";
    }
  }
}

TEST_P(Product, IsTheProduct) {
  const double allowed = GetParam() == at::kFloat ? 2e-5 : 1e-13;
  for (const ProductShape& shape : product_shapes) {
    const Results found = results_of(shape, GetParam(), 2, true);
    const at::Tensor x = made({shape.rows, shape.in}, GetParam(), 1).to(at::kDouble),
                     w = made({shape.out, shape.in}, GetParam(), 2).to(at::kDouble),
                     b = made({shape.out}, GetParam(), 3).to(at::kDouble),
                     delta = made({shape.rows, shape.out}, GetParam(), 4).to(at::kDouble);
    EXPECT_LT(largest_error(found.y, at::mm(x, w.t()) + b), allowed) << shape.rows;
    EXPECT_LT(largest_error(found.dx, at::mm(delta, w)), allowed) << shape.rows;
    EXPECT_LT(largest_error(found.dw, at::mm(delta.t(), x)), allowed) << shape.rows;
    EXPECT_LT(largest_error(found.db, delta.sum(0)), allowed) << shape.rows;
  }
}

TEST_P(Product, OfEveryMemberHasTheSameBits) {
  const at::Tensor a = made({70, 40, 113}, GetParam(), 5), b = made({70, 113, 130}, GetParam(), 6);
  at::Tensor one;
  {
    const ThreadTeam team(1);
    one = product_of_each(a, b);
  }
  EXPECT_LT(largest_error(one, at::bmm(a.to(at::kDouble), b.to(at::kDouble))), 2e-5);
  for (const int threads : {2, 4}) {
    const ThreadTeam team(threads);
    EXPECT_TRUE(at::equal(one, product_of_each(a, b)));
    EXPECT_GT(team.shared(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Product, ::testing::Values(at::kFloat, at::kDouble));

TEST(AffineProduct, KeepsLeadingAxesAndRoundsBf16AsAWhole) {
  const ThreadTeam team(2);
  const at::Tensor x = made({4, 100, 512}, at::kFloat, 7), w = made({512, 512}, at::kFloat, 8);
  EXPECT_EQ(affine(x, w).sizes(), (std::vector<int64_t>{4, 100, 512}));
  const at::Tensor rounded = affine(x.to(at::kBFloat16), w.to(at::kBFloat16));
  EXPECT_TRUE(at::allclose(
      rounded.to(at::kFloat),
      at::linear(x.to(at::kBFloat16).to(at::kFloat), w.to(at::kBFloat16).to(at::kFloat)), 0.02,
      0.3));
}

TEST(AffineProduct, CutsTheResultAndLeavesNothingOut) {
  for (const ProductShape& shape : product_shapes) {
    for (const bool whole : {false, true}) {
      const ProductCut cut = cut_of_product(shape.rows, shape.out, shape.in, whole);
      EXPECT_GE(cut.down * cut.rows, shape.rows);
      EXPECT_LT((cut.down - 1) * cut.rows, shape.rows);
      EXPECT_GE(cut.across * cut.columns, shape.out);
      EXPECT_LT((cut.across - 1) * cut.columns, shape.out);
      EXPECT_TRUE(!whole || cut.across == 1);
    }
  }
  EXPECT_EQ(cut_of_product(9, 512, 512).pieces(), 1);
  EXPECT_GE(cut_of_product(2048, 512, 512).pieces(), 4);
  EXPECT_GE(cut_of_product(32, 8192, 2048).pieces(), 8);
  EXPECT_GE(cut_of_product(16000, 113, 128).pieces(), 4);
  EXPECT_EQ(cut_of_product(2048, 2048, 512).pieces(), 16);
  EXPECT_EQ(cut_of_product(512, 512, 512).pieces(), 2);
  EXPECT_EQ(cut_of_product(128, 128, 2048).pieces(), 2) << "small, but worth two threads";
}

}  // namespace
}  // namespace explaind
