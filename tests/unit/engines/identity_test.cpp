// What must hold whatever the numbers are: sums, signs, permutations, paths.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/decoder.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

class Identity : public ::testing::Test {
 protected:
  [[nodiscard]] ScoreTile run(std::vector<std::vector<at::Tensor>> points,
                              const RunOptions& options) const {
    return decompose(network, MemoryTrajectory(std::move(points)), samples, options);
  }
  Decoder network{tiny_config()};
  size_t tensors = network.parameters().size();
  std::vector<at::Tensor> from = random_point(network, 1);
  std::vector<at::Tensor> to = moved(network, from, 2, 0.15);
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, 37);
};

TEST_F(Identity, ComponentsSumToTheChangeLessTheResidual) {
  const ScoreTile tile = run({from, to}, adaptive(1e-8));
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto first = tile.psi.begin() + static_cast<std::ptrdiff_t>(s * tensors);
    const double sum = std::accumulate(first, first + static_cast<std::ptrdiff_t>(tensors), 0.0);
    const double change = loss_of(network, to, samples[s]) - loss_of(network, from, samples[s]);
    EXPECT_NEAR(sum, change, 1e-8 * std::abs(change) + 1e-12);
    EXPECT_NEAR(change - sum, tile.residual[s], 1e-13);
    EXPECT_EQ(tile.tolerance_met[s], 1);
  }
}

TEST_F(Identity, AdaptiveScoresAreWithinTheToleranceOfAFineRule) {
  const ScoreTile fine = run({from, to}, fixed_rule("gauss:200"));
  for (const double relative : {1e-4, 1e-6, 1e-9}) {
    const ScoreTile tile = run({from, to}, adaptive(relative));
    for (size_t s = 0; s < samples.size(); ++s) {
      const double change = std::abs(tile.value_to[s] - tile.value_from[s]);
      for (size_t c = 0; c < tensors; ++c) {
        EXPECT_NEAR(tile.psi[s * tensors + c], fine.psi[s * tensors + c],
                    relative * change + 1e-12);
      }
    }
  }
}

TEST_F(Identity, AReversedSegmentNegates) {
  const ScoreTile there = run({from, to}, adaptive(1e-9));
  const ScoreTile back = run({to, from}, adaptive(1e-9));
  for (size_t i = 0; i < there.psi.size(); ++i) EXPECT_NEAR(there.psi[i], -back.psi[i], 1e-9);
  EXPECT_EQ(there.node_count, back.node_count);
}

TEST_F(Identity, ASegmentSplitOnItsLineSumsToTheWhole) {
  const std::vector<at::Tensor> middle = between(from, to, 0.3);
  const ScoreTile whole = run({from, to}, adaptive(1e-9));
  RunOptions options = adaptive(1e-9);
  const ScoreTile first = run({from, middle, to}, options);
  options.segment = 1;
  const ScoreTile second = run({from, middle, to}, options);
  for (size_t i = 0; i < whole.psi.size(); ++i) {
    EXPECT_NEAR(first.psi[i] + second.psi[i], whole.psi[i], 1e-9);
  }
}

TEST_F(Identity, PermutedSamplesPermuteScores) {
  const ScoreTile straight = run({from, to}, fixed_rule("gauss:5"));
  const std::vector<size_t> order{3, 0, 4, 2, 1};
  std::vector<Sample> permuted;
  for (const size_t s : order) permuted.push_back(samples[s]);
  samples = permuted;
  const ScoreTile tile = run({from, to}, fixed_rule("gauss:5"));
  for (size_t s = 0; s < order.size(); ++s) {
    EXPECT_NEAR(tile.value_to[s], straight.value_to[order[s]], 1e-14);
    for (size_t c = 0; c < tensors; ++c) {
      EXPECT_NEAR(tile.psi[s * tensors + c], straight.psi[order[s] * tensors + c], 1e-14);
    }
  }
}

TEST_F(Identity, ChunksAndMicroBatchesChangeNothingBeyondRounding) {
  const ScoreTile reference = run({from, to}, adaptive(1e-7));
  for (const auto& [chunk, micro_batch] : {std::pair{5, 2}, {2, 2}, {3, 1}, {1, 1}}) {
    RunOptions options = adaptive(1e-7);
    options.solver.chunk = chunk;
    options.solver.micro_batch = micro_batch;
    const ScoreTile tile = run({from, to}, options);
    EXPECT_EQ(tile.node_count, reference.node_count);
    for (size_t i = 0; i < tile.psi.size(); ++i) {
      EXPECT_NEAR(tile.psi[i], reference.psi[i], 1e-14);
    }
  }
}

TEST_F(Identity, IdenticalCheckpointsScoreZero) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    RunOptions options = adaptive(1e-5);
    options.type = type;
    const ScoreTile tile = run({from, from}, options);
    for (const double score : tile.psi) EXPECT_EQ(score, 0.0);
    for (const double residual : tile.residual) EXPECT_EQ(residual, 0.0);
    for (const uint8_t met : tile.tolerance_met) EXPECT_EQ(met, 1);
  }
}

TEST_F(Identity, EndpointsAreUsedAsStoredInSinglePrecision) {
  // In fp32 a + (b − a) ≠ b: the value at t = 1 must be that of the stored endpoint, so that
  // neighbouring segments meet.
  std::vector<std::vector<at::Tensor>> points{from, to, between(from, to, 1.7)};
  for (auto& point : points) {
    for (at::Tensor& tensor : point) tensor = tensor.to(at::kFloat);
  }
  RunOptions options = adaptive(1e-5, 1e-6);
  options.type = at::kFloat;
  const ScoreTile first = run(points, options);
  options.segment = 1;
  const ScoreTile second = run(points, options);
  EXPECT_EQ(first.value_to, second.value_from);
}

TEST_F(Identity, GroupsAreMeansOrSumsOfTheirSamples) {
  const ScoreTile single = run({from, to}, fixed_rule("gauss:5"));
  for (const GroupReduce reduce : {GroupReduce::mean, GroupReduce::sum}) {
    for (const int64_t chunk : {64, 2}) {
      RunOptions options = fixed_rule("gauss:5");
      options.solver.axes = {.sample = false, .group = true};
      options.solver.group_reduce = reduce;
      options.solver.chunk = chunk;
      const ScoreTile tile = run({from, to}, options);
      ASSERT_EQ(tile.psi.size(), 2 * tensors);
      for (size_t c = 0; c < tensors; ++c) {
        const auto score = [&](size_t s) { return single.psi[s * tensors + c]; };
        const double scale = reduce == GroupReduce::mean ? 1 : 0;
        const double even = (score(0) + score(2) + score(4)) / (scale == 1 ? 3 : 1);
        const double odd = (score(1) + score(3)) / (scale == 1 ? 2 : 1);
        EXPECT_NEAR(tile.psi[c], even, 1e-14);
        EXPECT_NEAR(tile.psi[tensors + c], odd, 1e-14);
      }
      EXPECT_EQ(tile.residual.size(), samples.size());
    }
  }
}

TEST_F(Identity, WithoutSampleAndGroupScoresAreSummed) {
  const ScoreTile single = run({from, to}, fixed_rule("gauss:5"));
  RunOptions options = fixed_rule("gauss:5");
  options.solver.axes = {.sample = false};
  const ScoreTile tile = run({from, to}, options);
  ASSERT_EQ(tile.psi.size(), tensors);
  for (size_t c = 0; c < tensors; ++c) {
    double sum = 0;
    for (size_t s = 0; s < samples.size(); ++s) sum += single.psi[s * tensors + c];
    EXPECT_NEAR(tile.psi[c], sum, 1e-14);
  }
}

TEST_F(Identity, LossSumIsTheMeanTimesThePredictedTokens) {
  const ScoreTile mean = run({from, to}, fixed_rule("gauss:5"));
  RunOptions options = fixed_rule("gauss:5");
  options.solver.functional = Functional::loss_sum();
  const ScoreTile sum = run({from, to}, options);
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto tokens = static_cast<double>(samples[s].predicted());
    EXPECT_NEAR(sum.value_to[s], mean.value_to[s] * tokens, 1e-12);
    for (size_t c = 0; c < tensors; ++c) {
      EXPECT_NEAR(sum.psi[s * tensors + c], mean.psi[s * tensors + c] * tokens, 1e-12);
    }
  }
}

TEST_F(Identity, AWeightThatIsNotFiniteIsNamed) {
  to[3].view(-1)[5] = std::nan("");
  try {
    static_cast<void>(run({from, to}, adaptive(1e-5)));
    FAIL() << "accepted a NaN";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("point 1"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("parameter 3"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace explaind::testing
