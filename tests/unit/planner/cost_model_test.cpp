// The planner's numbers that need no clock, against the run's own counts and sums by hand.

#include "planner/cost_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/decoder.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

QuadratureOptions adaptive_rule() { return {}; }

TEST(ExpectedRounds, FollowTheLevelsOfTheRule) {
  const ExpectedRounds least = expected_rounds(adaptive_rule(), 9, 64);
  EXPECT_EQ(least.rounds, 1);
  EXPECT_EQ(least.nodes, 9);
  EXPECT_EQ(least.largest, 9);
  const ExpectedRounds all = expected_rounds(adaptive_rule(), 17, 64);
  EXPECT_EQ(all.rounds, 2);
  EXPECT_EQ(all.nodes, 17);
  EXPECT_EQ(all.largest, 9) << "9 first, then 8 more";
  EXPECT_EQ(expected_rounds(adaptive_rule(), 33, 1).largest, 16);
  EXPECT_EQ(expected_rounds(adaptive_rule(), 129, 1).rounds, 5);
}

TEST(ExpectedRounds, AChunkGoesOnWhenOneOfItsSamplesDoes) {
  const ExpectedRounds one = expected_rounds(adaptive_rule(), 13, 1);
  EXPECT_DOUBLE_EQ(one.rounds, 1.5);
  EXPECT_DOUBLE_EQ(one.nodes, 13);
  const ExpectedRounds two = expected_rounds(adaptive_rule(), 13, 2);
  EXPECT_DOUBLE_EQ(two.rounds, 1.75) << "1 − (1 − ½)²";
  EXPECT_DOUBLE_EQ(two.nodes, 15);
  EXPECT_DOUBLE_EQ(two.gradients, 13) << "of a sample";
}

TEST(ExpectedRounds, FixedRulesHaveOneRoundAndBothEnds) {
  QuadratureOptions options;
  options.rule = "gauss";
  options.nodes = 10;
  const ExpectedRounds expected = expected_rounds(options, 99, 64);
  EXPECT_EQ(expected.rounds, 1);
  EXPECT_EQ(expected.gradients, 10);
  EXPECT_EQ(expected.values, 2);
}

class Cost : public ::testing::Test {
 protected:
  Decoder network{tiny_config()};
  std::vector<at::Tensor> from = random_point(network, 1), to = moved(network, from, 2, 0.1);
  MemoryTrajectory trajectory{{from, to}};
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, tiny_config().vocabulary);
  ComponentTable table{Granularity::tensor, network.parameters()};
  RunOptions options = fixed_rule("gauss:3");

  CostEstimate estimate(Source source, int shards = 1) {
    options.solver.micro_batch = 2;
    options.solver.chunk = 64;
    const MemoryDemand demand{.network = network,
                              .trajectory = trajectory,
                              .samples = samples,
                              .table = table,
                              .solver = options.solver,
                              .computation = {},
                              .shards = shards};
    const MemoryPlan memory = plan_memory(demand, source, int64_t{64} << 30);
    return estimate_cost(demand, memory, Calibration{}, UnitGrid(1, 5, 64, true), 1, 3);
  }

  /// Elements of all parameters but the embedding, and of that.
  [[nodiscard]] double multiplied() const {
    double count = 0;
    for (size_t i = 1; i < from.size(); ++i) count += static_cast<double>(from[i].numel());
    return count;
  }
  [[nodiscard]] double embedding() const { return static_cast<double>(from[0].numel()); }
};

TEST_F(Cost, BytesReadAreThoseThatARunOpens) {
  const double estimated = estimate(Source::streamed).bytes_read;
  options.streamed = true;
  StreamingCount count;
  decompose(network, trajectory, samples, options, &count);
  EXPECT_EQ(estimated, static_cast<double>(count.bytes_opened));
}

TEST_F(Cost, ResidentWeightsAreReadOnceASegment) {
  EXPECT_EQ(estimate(Source::resident).bytes_read, 2 * 8 * (multiplied() + embedding()));
}

TEST_F(Cost, GatheredSharesAreReadOnceAndReceivedInEveryPass) {
  const CostEstimate streamed = estimate(Source::streamed),
                     gathered = estimate(Source::gathered, 4);
  EXPECT_DOUBLE_EQ(gathered.bytes_received, streamed.bytes_read * 3 / 4);
  EXPECT_DOUBLE_EQ(gathered.bytes_read, 2 * 8 * multiplied() / 4);
}

TEST_F(Cost, OperationsAreThoseOfTheBusiestRank) {
  // Micro-batches of 2 × 7, 2 × 11 and 8 padded tokens: 44 in all, of two ranks the first has 22.
  const double a_token = 2 * (3 * 3 * multiplied() + 2 * multiplied());  // 3 nodes, 2 ends
  EXPECT_DOUBLE_EQ(estimate(Source::resident).operations, 44 * a_token);
  EXPECT_DOUBLE_EQ(estimate(Source::resident, 2).operations, 22 * a_token);
}

TEST_F(Cost, MemoryCountsTheNodesExpectedNotTheMost) {
  const MemoryDemand demand{.network = network,
                            .trajectory = trajectory,
                            .samples = samples,
                            .table = table,
                            .solver = options.solver,
                            .computation = {}};
  EXPECT_LT(estimate(Source::streamed).memory,
            plan_memory(demand, Source::streamed, int64_t{64} << 30).total());
}

}  // namespace
}  // namespace explaind::testing
