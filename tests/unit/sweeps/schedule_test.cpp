// Streamed parameters and the block-major schedule against resident ones: the same bits, at the
// cost in bytes that was promised. And the unembedding in slices against dense gradients.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.hpp"
#include "engines/vocabulary_head.hpp"
#include "model/decoder.hpp"
#include "planner/memory_plan.hpp"
#include "unit/tiny_models/relu_network.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t large_vocabulary = 2 * vocabulary_slice + 1234;

void expect_same_bits(const ScoreTile& a, const ScoreTile& b) {
  EXPECT_EQ(a.psi, b.psi);
  EXPECT_EQ(a.value_from, b.value_from);
  EXPECT_EQ(a.value_to, b.value_to);
  EXPECT_EQ(a.residual, b.residual);
  EXPECT_EQ(a.node_count, b.node_count);
  EXPECT_EQ(a.tolerance_met, b.tolerance_met);
}

DecoderConfig config_of(bool tied, int64_t vocabulary) {
  DecoderConfig config = tiny_config();
  config.tied = tied;
  config.query_bias = config.output_bias = true;
  config.vocabulary = vocabulary;
  return config;
}

struct Case {
  const char* name;
  bool tied;
  int64_t vocabulary;
  at::ScalarType type;
  double tolerance;  // of scores: several rounds, and no more nodes than these take
};

class Streamed : public ::testing::TestWithParam<Case> {
 protected:
  Decoder network{config_of(GetParam().tied, GetParam().vocabulary)};
  std::vector<at::Tensor> from = random_point(network, 1);
  std::vector<at::Tensor> to = moved(network, from, 2, 0.1);
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, GetParam().vocabulary);

  [[nodiscard]] MemoryTrajectory trajectory(at::ScalarType stored) const {
    std::vector<std::vector<at::Tensor>> points(2);
    for (const at::Tensor& tensor : from) points[0].push_back(tensor.to(stored));
    for (const at::Tensor& tensor : to) points[1].push_back(tensor.to(stored));
    return MemoryTrajectory(points);
  }
};

TEST_P(Streamed, GivesTheBitsOfResidentParameters) {
  const MemoryTrajectory path = trajectory(at::kBFloat16);
  for (const Granularity granularity :
       {Granularity::kind, Granularity::tensor, Granularity::head, Granularity::row}) {
    for (const bool position : {false, true}) {
      if (position && granularity == Granularity::row && GetParam().vocabulary > 100) continue;
      RunOptions options = adaptive(GetParam().tolerance, 1e-6);
      options.granularity = granularity;
      options.type = GetParam().type;
      options.solver.axes.position = position;
      options.solver.micro_batch = 2;
      const ScoreTile resident = decompose(network, path, samples, options);
      options.streamed = true;
      expect_same_bits(resident, decompose(network, path, samples, options));
      options.activation_bytes = 1;  // a wave for every evaluation
      expect_same_bits(resident, decompose(network, path, samples, options));
    }
  }
}

TEST_P(Streamed, OpensABlockOnceADirectionAndRound) {
  const MemoryTrajectory path = trajectory(at::kBFloat16);
  RunOptions options = adaptive(GetParam().tolerance, 1e-6);
  options.type = GetParam().type;
  options.solver.micro_batch = 2;
  options.streamed = true;
  StreamingCount count;
  decompose(network, path, samples, options, &count);
  ASSERT_GT(count.rounds, 1);
  int64_t blocks = 0;
  for (int64_t block = 0; block < network.blocks(); ++block) {
    for (const ParameterRows& part : whole(network, network.block_parameters(block))) {
      const auto& shape = network.parameters()[static_cast<size_t>(part.parameter)].shape;
      blocks += shape.size() == 2 ? shape[0] * shape[1] : shape[0];
    }
  }
  const int64_t passes = GetParam().vocabulary > vocabulary_slice ? 2 : 1;
  const int64_t unembedding = passes * GetParam().vocabulary * 20;
  EXPECT_EQ(count.bytes_opened, count.rounds * 2 * 2 * (2 * blocks + unembedding))
      << "rounds × two endpoints × two bytes × (two directions of the blocks, passes of the head)";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Streamed,
    ::testing::Values(Case{"fp32", false, 37, at::kFloat, 1e-4},
                      Case{"fp64_tied", true, 37, at::kDouble, 1e-6},
                      Case{"fp32_tied_slices", true, large_vocabulary, at::kFloat, 1e-3},
                      Case{"fp64_slices", false, large_vocabulary, at::kDouble, 1e-3}),
    [](const auto& tested) { return tested.param.name; });

TEST(StreamedKinks, ReplayedNodesHaveTheSameBits) {
  const ReluNetwork network(23, 8);
  const MemoryTrajectory path({random_point(network, 1, 0.7), random_point(network, 2, 0.7)});
  const std::vector<Sample> samples = random_samples({3, 2, 4}, 23);
  RunOptions options = adaptive(1e-3, 0);
  options.granularity = Granularity::row;
  const ScoreTile resident = decompose(network, path, samples, options);
  EXPECT_GT(*std::max_element(resident.node_count.begin(), resident.node_count.end()), 33);
  options.streamed = true;
  expect_same_bits(resident, decompose(network, path, samples, options));
}

class Slices : public ::testing::TestWithParam<bool> {};

TEST_P(Slices, MatchDenseGradientTimesUpdate) {
  const Decoder network(config_of(GetParam(), large_vocabulary));
  const std::vector<at::Tensor> from = random_point(network, 1), to = moved(network, from, 2, 0.05);
  const MemoryTrajectory path({from, to});
  std::vector<Sample> samples = random_samples({4, 6}, large_vocabulary);
  // A target in each slice, the first and last row among them.
  samples[0].input_ids = samples[0].labels = {5, 0, vocabulary_slice, large_vocabulary - 1};
  samples[1].input_ids[2] = samples[1].labels[1] = vocabulary_slice - 1;
  for (const Granularity granularity : {Granularity::tensor, Granularity::row}) {
    RunOptions options = fixed_rule("gauss:3");
    options.granularity = granularity;
    const ScoreTile tile = decompose(network, path, samples, options);
    const ComponentTable table(granularity, network.parameters());
    const auto size = static_cast<size_t>(table.size());
    for (size_t s = 0; s < samples.size(); ++s) {
      EXPECT_NEAR(tile.value_from[s], loss_of(network, from, samples[s]), 1e-12);
      const std::vector<double> expected =
          sum_to_components(table, dense_scores(network, from, to, samples[s], gauss_rule(3)));
      double largest = 0;
      for (size_t c = 0; c < size; ++c) {
        largest = std::max(largest, std::abs(tile.psi[s * size + c] - expected[c]));
      }
      EXPECT_LT(largest, 1e-13) << to_string(granularity) << ", sample " << s;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tied, Slices, ::testing::Bool());

TEST(MemoryPlan, ChoosesWhatFitsAndSaysWhatWould) {
  DecoderConfig config = tiny_config();
  config.hidden_size = 1000;
  config.intermediate_size = 4000;
  config.layers = 8;
  const Decoder network(config);
  const std::vector<at::Tensor> point = random_point(network, 1);
  const MemoryTrajectory trajectory({point, point});
  const std::vector<Sample> samples = random_samples({20, 30}, 37);
  const ComponentTable table(Granularity::tensor, network.parameters());
  const SolverOptions solver;
  const auto plan = [&](std::optional<Source> choice, int64_t budget, int shards = 1) {
    return plan_memory({.network = network,
                        .trajectory = trajectory,
                        .samples = samples,
                        .table = table,
                        .solver = solver,
                        .computation = {},
                        .shards = shards},
                       choice, budget);
  };
  const int64_t plenty = int64_t{64} << 30;
  const MemoryPlan resident = plan({}, plenty);
  EXPECT_EQ(resident.source, Source::resident);
  EXPECT_GT(resident.parameters, 8 * int64_t{8} * 3 * 4000 * 1000) << "W and Δ of eight layers";
  const MemoryPlan streamed = plan({}, resident.total() - 1);
  EXPECT_EQ(streamed.source, Source::streamed);
  EXPECT_LE(streamed.total(), resident.total() - 1);
  EXPECT_LT(streamed.parameters, resident.parameters / 7);
  EXPECT_EQ(plan(Source::streamed, plenty).source, Source::streamed);
  const MemoryPlan gathered = plan(Source::gathered, plenty, 4);
  EXPECT_GT(gathered.endpoints, 2 * 8 * int64_t{8 / 4 + 2} * 3 * 4000 * 1000)
      << "both endpoints, stored in fp64 here: a quarter of eight layers, and two layers whole";
  EXPECT_EQ(plan({}, resident.total() - 1, 16).source, Source::gathered);
  const auto refusal = [&](std::optional<Source> choice, int64_t budget) -> std::string {
    try {
      plan(choice, budget);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(Source::resident, resident.total() - 1),
              AllOf(HasSubstr("--memory"), HasSubstr("--parameters streamed")));
  EXPECT_THAT(refusal({}, 1000),
              AllOf(HasSubstr("--memory"), HasSubstr("1 kB"), HasSubstr("--micro-batch")));
}

}  // namespace
}  // namespace explaind::testing
