#include "planner/grid_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

using ::testing::HasSubstr;

/// What fits where gathered weights need `least` ranks, and resident ones do not.
std::function<bool(Source, int)> gathered_from(int least) {
  return [least](Source source, int shards) {
    return source == Source::streamed || (source == Source::gathered && shards >= least);
  };
}

bool everything(Source /*source*/, int /*shards*/) { return true; }
bool nothing(Source /*source*/, int /*shards*/) { return false; }

TEST(GridChoice, OneRankAGroupWhereAllWeightsFit) {
  EXPECT_EQ(choose_shards(1, {}, everything).shards, 1);
  EXPECT_EQ(choose_shards(8, {}, everything).shards, 1);
  EXPECT_EQ(choose_shards(8, Source::resident, nothing).shards, 1);
}

TEST(GridChoice, TheSmallestDivisorOfTheRanksForWhichGatheredFits) {
  EXPECT_EQ(choose_shards(8, {}, gathered_from(2)).shards, 2);
  EXPECT_EQ(choose_shards(8, {}, gathered_from(3)).shards, 4);
  EXPECT_EQ(choose_shards(12, {}, gathered_from(5)).shards, 6);
  EXPECT_EQ(choose_shards(9, {}, gathered_from(2)).shards, 3);
  EXPECT_EQ(choose_shards(7, {}, gathered_from(2)).shards, 7) << "a prime is its own divisor";
  EXPECT_EQ(choose_shards(8, Source::gathered, everything).shards, 2) << "as asked";
}

TEST(GridChoice, StreamedAloneWhereNothingElseFits) {
  EXPECT_EQ(choose_shards(8, {}, gathered_from(9)).shards, 1);
  EXPECT_THAT(choose_shards(8, {}, gathered_from(9)).reason, HasSubstr("streamed"));
  EXPECT_EQ(choose_shards(1, {}, gathered_from(1)).shards, 1);
  EXPECT_EQ(choose_shards(8, Source::streamed, everything).shards, 1);
  EXPECT_EQ(choose_shards(8, Source::gathered, nothing).shards, 8) << "what needs least";
}

/// A model whose weights decide, and whose products are worth sharing.
struct WideLlama {
  static DecoderConfig wide(int layers) {
    DecoderConfig config = tiny_config();
    config.hidden_size = 1000;
    config.intermediate_size = 4000;
    config.layers = layers;
    return config;
  }
  explicit WideLlama(int layers) : network(wide(layers)) {}

  Decoder network;
  std::vector<at::Tensor> point = random_point(network, 1);
  MemoryTrajectory trajectory{{point, point}};
  std::vector<Sample> samples = random_samples({20, 30}, 37);
  ComponentTable table{Granularity::tensor, network.parameters()};
  SolverOptions solver;
  MemoryDemand demand{.network = network,
                      .trajectory = trajectory,
                      .samples = samples,
                      .table = table,
                      .solver = solver,
                      .computation = {}};
};

TEST(GridChoice, FollowsTheMemoryPlan) {
  WideLlama wide(8);
  MemoryDemand& demand = wide.demand;
  const int64_t resident = plan_memory(demand, Source::resident, int64_t{64} << 30).total();
  EXPECT_EQ(choose_grid(8, {}, demand, resident).shards, 1);
  const int chosen = choose_grid(8, {}, demand, resident - 1).shards;
  EXPECT_GT(chosen, 1);
  demand.shards = chosen;
  EXPECT_EQ(plan_memory(demand, {}, resident - 1).source, Source::gathered);
  demand.shards = chosen / 2;
  EXPECT_FALSE(fits_memory(Source::gathered, demand, resident - 1)) << "half of them cannot";
}

TEST(MemoryPlan, CountsATileAgainWherePiecesAreAdded) {
  const Decoder network(tiny_config());
  const std::vector<Sample> samples = random_samples({20, 30, 25}, 37);
  const ComponentTable table(Granularity::row, network.parameters());
  SolverOptions solver;
  const int64_t alone = tile_bytes(solver, samples, table, 0, 1);
  solver.tiles = 2;
  EXPECT_EQ(tile_bytes(solver, samples, table, 0, 1) - alone, 8 * 3 * table.size());
}

TEST(FixedShards, AreWhatIsGivenOrFollowFromTheGroups) {
  EXPECT_FALSE(fixed_shards(4, {}, {}));
  EXPECT_EQ(fixed_shards(4, 2, {}), 2);
  EXPECT_EQ(fixed_shards(6, {}, 2), 3);
  EXPECT_EQ(fixed_shards(6, 3, 2), 3);
}

TEST(FixedShards, RefuseWhatIsNotAGrid) {
  const auto refusal = [](int ranks, std::optional<int64_t> shards, std::optional<int64_t> groups) {
    try {
      fixed_shards(ranks, shards, groups);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal(3, 2, {}), HasSubstr("--shards"));
  EXPECT_THAT(refusal(4, {}, 3), HasSubstr("--segment-groups"));
  EXPECT_THAT(refusal(4, 2, 1), HasSubstr("1 group of 2 ranks are 2 ranks, not 4"));
}

TEST(MemoryPlan, CountsTheBuffersOfThreadsThatShareProducts) {
  const auto of_shape = [](std::vector<int64_t> shape) {
    ParameterInfo info;
    info.shape = std::move(shape);
    return info;
  };
  const std::vector<ParameterInfo> large{of_shape({512}), of_shape({2048, 512})},
      small{of_shape({64, 32})};
  EXPECT_EQ(thread_bytes(large, 1024, 1), 0);
  EXPECT_EQ(thread_bytes(large, 1024, 2), int64_t{10} << 20);
  EXPECT_EQ(thread_bytes(large, 1024, 4), int64_t{30} << 20);
  EXPECT_EQ(thread_bytes(large, 1024, 500), thread_bytes(large, 1024, 16))
      << "of 16 pieces at most";
  EXPECT_EQ(thread_bytes(small, 1024, 8), 0) << "nothing is shared";

  const WideLlama wide(2);
  const auto total = [&](int64_t threads) {
    const MemoryBudget budget(int64_t{64} << 30, 0, threads);
    return plan_memory(wide.demand, Source::resident, budget).total();
  };
  EXPECT_EQ(total(4) - total(1), int64_t{30} << 20);
}

}  // namespace
}  // namespace explaind::testing
