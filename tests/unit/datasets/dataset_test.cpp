// What networks see of stored samples, and the data that is made.

#include "datasets/dataset.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.hpp"
#include "datasets/modular_addition.hpp"
#include "datasets/text_windows.hpp"

namespace explaind {
namespace {

TEST(ModularAddition, IsEveryPairOnceAsTokens) {
  const TrainingData data = modular_addition(113, 4000, 2000, 1);
  ASSERT_EQ(data.train.size(), 4000);
  ASSERT_EQ(data.validation.size(), 2000);
  EXPECT_EQ(data.classes, 115);
  std::set<std::pair<int64_t, int64_t>> seen;
  for (const Dataset* part : {&data.train, &data.validation}) {
    const auto token = part->inputs.accessor<int64_t, 2>();
    const auto label = part->labels.accessor<int64_t, 1>();
    for (int64_t i = 0; i < part->size(); ++i) {
      const int64_t b = token[i][0], a = token[i][2];
      EXPECT_LE(a, b);
      EXPECT_LT(b, 113);
      EXPECT_EQ(token[i][1], 113);
      EXPECT_EQ(token[i][3], 114);
      EXPECT_EQ(label[i], (a + b) % 113);
      EXPECT_TRUE(seen.emplace(a, b).second) << a << " + " << b << " twice";
    }
  }
}

TEST(ModularAddition, IsShuffledByItsSeed) {
  const TrainingData one = modular_addition(7, 20, 8, 1), again = modular_addition(7, 20, 8, 1),
                     other = modular_addition(7, 20, 8, 2);
  EXPECT_TRUE(at::equal(one.train.inputs, again.train.inputs));
  EXPECT_FALSE(at::equal(one.train.inputs, other.train.inputs));
  EXPECT_THROW(modular_addition(7, 20, 9, 1), UsageError);
}

TEST(TextWindows, FollowEachOtherAndPredictTheNextToken) {
  std::vector<int64_t> tokens(14);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int64_t>(10 + i);
  const TrainingData data = text_windows(tokens, 4, 100, 0, 1);  // 3 windows of 4, one held out
  EXPECT_TRUE(at::equal(data.train.inputs,
                        at::tensor({10, 11, 12, 13, 14, 15, 16, 17}, at::kLong).view({2, 4})));
  EXPECT_TRUE(at::equal(data.train.labels, data.train.inputs + 1));
  EXPECT_TRUE(
      at::equal(data.validation.inputs, at::tensor({18, 19, 20, 21}, at::kLong).view({1, 4})));
  EXPECT_TRUE(at::equal(data.validation.labels, data.validation.inputs + 1));
  EXPECT_THROW(text_windows(tokens, 4, 100, 3, 1), DataError);
}

TEST(NetworkInputs, AreStandardisedPerChannelAndMirroredWhereFlipped) {
  Dataset data{at::arange(2 * 2 * 2 * 3, at::kByte).view({2, 2, 2, 3}), at::zeros({2}, at::kLong)};
  const ImageTransform transform = standardising_transform(data.inputs);
  const at::Tensor whole = network_inputs(data, transform, {0, 1}, {}, at::kDouble);
  for (int64_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(whole.select(1, c).mean().item<double>(), 0, 1e-13);
    EXPECT_NEAR(whole.select(1, c).std(/*unbiased=*/false).item<double>(), 1, 1e-12);
  }
  const at::Tensor mirrored = network_inputs(data, transform, {1, 0}, {1, 0}, at::kDouble);
  EXPECT_TRUE(at::equal(mirrored[0], whole[1].flip({2})));
  EXPECT_TRUE(at::equal(mirrored[1], whole[0]));
  EXPECT_EQ(network_inputs(data, transform, {0}, {}, at::kFloat).scalar_type(), at::kFloat);
}

}  // namespace
}  // namespace explaind
