// Engine A against dense gradients times updates, component by component.

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "model/decoder.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

struct Variant {
  const char* name;
  bool tied, bias;
  int key_value_heads;
};

class EngineA : public ::testing::TestWithParam<Variant> {
 protected:
  static DecoderConfig config() {
    DecoderConfig made = tiny_config();
    made.tied = GetParam().tied;
    made.query_bias = made.output_bias = made.mlp_bias = GetParam().bias;
    made.key_value_heads = GetParam().key_value_heads;
    return made;
  }
  Decoder network{config()};
  std::vector<at::Tensor> from = random_point(network, 1);
  std::vector<at::Tensor> to = moved(network, from, 2, 0.05);
  MemoryTrajectory trajectory{{from, to}};
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, 37);
  FixedRule rule = gauss_rule(3);
};

TEST_P(EngineA, MatchesDenseGradientTimesUpdateAtEveryGranularity) {
  for (const Granularity granularity : {Granularity::kind, Granularity::layer, Granularity::tensor,
                                        Granularity::head, Granularity::row}) {
    RunOptions options = fixed_rule("gauss:3");
    options.granularity = granularity;
    options.solver.micro_batch = 3;  // ragged, padded, and a last one that is smaller
    const ScoreTile tile = decompose(network, trajectory, samples, options);
    const ComponentTable table(granularity, network.parameters());
    const auto size = static_cast<size_t>(table.size());
    ASSERT_EQ(tile.psi.size(), samples.size() * size);
    for (size_t s = 0; s < samples.size(); ++s) {
      const std::vector<double> expected =
          sum_to_components(table, dense_scores(network, from, to, samples[s], rule));
      for (size_t c = 0; c < size; ++c) {
        EXPECT_NEAR(tile.psi[s * size + c], expected[c], 1e-13)
            << to_string(granularity) << ", sample " << s << ", " << table.components()[c].name;
      }
    }
  }
}

TEST_P(EngineA, PositionsSumToSamplesAndEndWithThem) {
  for (const Granularity granularity :
       {Granularity::kind, Granularity::tensor, Granularity::head, Granularity::row}) {
    RunOptions options = fixed_rule("gauss:3");
    options.granularity = granularity;
    const ScoreTile whole = decompose(network, trajectory, samples, options);
    options.solver.axes.position = true;
    const ScoreTile tile = decompose(network, trajectory, samples, options);
    const size_t size = whole.psi.size() / samples.size();
    for (size_t s = 0; s < samples.size(); ++s) {
      for (size_t c = 0; c < size; ++c) {
        double sum = 0;
        for (size_t p = 0; p < 11; ++p) {
          const double value = tile.psi[(s * 11 + p) * size + c];
          if (p >= samples[s].input_ids.size()) {
            EXPECT_EQ(value, 0.0);
          }
          sum += value;
        }
        EXPECT_NEAR(sum, whole.psi[s * size + c], 1e-14);
      }
    }
  }
}

TEST_P(EngineA, TheLastPositionPredictsNothingAndScoresOnlyWhatIsZeroThere) {
  RunOptions options = fixed_rule("gauss:3");
  options.solver.axes.position = true;
  const ScoreTile tile = decompose(network, trajectory, samples, options);
  const size_t size = network.parameters().size();
  for (size_t c = 0; c < size; ++c) EXPECT_EQ(tile.psi[(0 * 11 + 6) * size + c], 0.0);
  double largest = 0;
  for (size_t c = 0; c < size; ++c) {
    largest = std::max(largest, std::abs(tile.psi[(0 * 11 + 4) * size + c]));
  }
  EXPECT_GT(largest, 1e-4);
}

TEST_P(EngineA, APaddedSampleScoresAsAlone) {
  RunOptions options = fixed_rule("gauss:3");
  const ScoreTile together = decompose(network, trajectory, samples, options);
  const size_t size = network.parameters().size();
  for (size_t s = 0; s < samples.size(); ++s) {
    const ScoreTile alone = decompose(network, trajectory, {samples[s]}, options);
    for (size_t c = 0; c < size; ++c) {
      EXPECT_NEAR(together.psi[s * size + c], alone.psi[c], 1e-14);
    }
  }
}

TEST_P(EngineA, ValuesAreTheModelsLosses) {
  const ScoreTile tile = decompose(network, trajectory, samples, fixed_rule("gauss:3"));
  for (size_t s = 0; s < samples.size(); ++s) {
    EXPECT_NEAR(tile.value_from[s], loss_of(network, from, samples[s]), 1e-13);
    EXPECT_NEAR(tile.value_to[s], loss_of(network, to, samples[s]), 1e-13);
    EXPECT_GT(std::abs(tile.value_to[s] - tile.value_from[s]), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Llama, EngineA,
                         ::testing::Values(Variant{"grouped", false, false, 2},
                                           Variant{"tied", true, false, 4},
                                           Variant{"biases", false, true, 2},
                                           Variant{"multi_query", false, false, 1}),
                         [](const auto& variant) { return variant.param.name; });

}  // namespace
}  // namespace explaind::testing
