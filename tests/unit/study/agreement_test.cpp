#include "study/agreement.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "study/sparsity.hpp"

namespace explaind {
namespace {

TEST(Agreement, ComparesPredictionsByHand) {
  const at::Tensor model = at::tensor({0.0, std::log(3.0), 2.0, 1.0}, at::kDouble).view({2, 2});
  EXPECT_EQ(agreement(model, model).accuracy, 1);
  EXPECT_EQ(agreement(model, model).divergence, 0);
  // A constant added to all logits of a sample changes no prediction.
  EXPECT_LT(agreement(model, model + 5).divergence, 1e-15);
  EXPECT_EQ(agreement(model, model + 5).largest_error, 5);
  const at::Tensor even = at::tensor({0.1, 0.1, 2.0, 1.0}, at::kDouble).view({2, 2});
  const Agreement found = agreement(model, even);
  EXPECT_EQ(found.accuracy, 0.5);
  const double divergence = 0.25 * std::log(0.25 / 0.5) + 0.75 * std::log(0.75 / 0.5);
  EXPECT_NEAR(found.divergence, divergence / 2, 1e-15);
  EXPECT_NEAR(found.largest_error, std::log(3.0) - 0.1, 1e-15);
}

TEST(Agreement, DivergenceIsOfTheModelFromTheReconstruction) {
  const at::Tensor sure = at::tensor({0.0, 4.0}, at::kDouble).view({1, 2});
  const at::Tensor unsure = at::tensor({0.0, 1.0}, at::kDouble).view({1, 2});
  EXPECT_NE(agreement(sure, unsure).divergence, agreement(unsure, sure).divergence);
  const double p = 1 / (1 + std::exp(4.0)), q = 1 / (1 + std::exp(1.0));
  EXPECT_NEAR(agreement(sure, unsure).divergence,
              p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q)), 1e-15);
}

TEST(Sparsity, KeepsTheLargestChangesFirst) {
  const auto row = [](double a, double b) { return at::tensor({a, b}, at::kDouble).view({1, 2}); };
  const std::vector<at::Tensor> changes{row(0.1, 0), row(-3, 1), row(0, 0.5), row(1, -1)};
  at::Tensor end = row(0.2, 0.1);
  for (const at::Tensor& change : changes) end = end + change;
  const auto found = sparse_reconstructions(row(0.2, 0.1), end, changes, {0, 0.25, 0.5, 1});
  EXPECT_EQ(found[0].steps, 0);
  EXPECT_EQ(found[0].change, 0);
  EXPECT_EQ(found[1].steps, 1);
  EXPECT_NEAR(found[1].change, 4 / 6.6, 1e-15);
  EXPECT_NEAR(found[1].agreement.largest_error, 1.1, 1e-15);  // all but the second
  EXPECT_NEAR(found[2].agreement.largest_error, 0.5, 1e-15);
  EXPECT_LT(found[3].agreement.largest_error, 1e-15);
}

}  // namespace
}  // namespace explaind
