// Segments that are hard to integrate: refinement, bisection, precision. A fixed rule must fail
// here.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/decoder.hpp"
#include "unit/tiny_models/relu_network.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

/// Largest |Ψ − reference| over a sample's scores, in units of its |ΔF|.
double error_of(const ScoreTile& tile, const std::vector<double>& reference, size_t sample) {
  const size_t size = reference.size() / tile.residual.size();
  double worst = 0;
  for (size_t c = sample * size; c < (sample + 1) * size; ++c) {
    worst = std::max(worst, std::abs(tile.psi[c] - reference[c]));
  }
  return worst / std::abs(tile.value_to[sample] - tile.value_from[sample]);
}

class LongSegment : public ::testing::Test {
 protected:
  Decoder network{tiny_config()};
  std::vector<at::Tensor> from = random_point(network, 1, 0.4);
  std::vector<at::Tensor> to = moved(network, from, 9, 0.12);
  MemoryTrajectory trajectory{{from, to}};
  std::vector<Sample> samples = random_samples({9, 6, 12, 5}, 37);
};

TEST_F(LongSegment, NeedsMoreThan33NodesAndMeetsItsTolerance) {
  const std::vector<double> reference =
      decompose(network, trajectory, samples, fixed_rule("gauss:250")).psi;
  const ScoreTile tile = decompose(network, trajectory, samples, adaptive(1e-6));
  EXPECT_GT(*std::max_element(tile.node_count.begin(), tile.node_count.end()), 33);
  for (size_t s = 0; s < samples.size(); ++s) {
    EXPECT_EQ(tile.tolerance_met[s], 1);
    EXPECT_LE(error_of(tile, reference, s), 1e-6);
  }
  const ScoreTile fixed = decompose(network, trajectory, samples, fixed_rule("gauss:10"));
  double worst = 0;
  for (size_t s = 0; s < samples.size(); ++s)
    worst = std::max(worst, error_of(fixed, reference, s));
  EXPECT_GT(worst, 1e-6);
}

TEST_F(LongSegment, EverySampleStopsOnItsOwn) {
  const ScoreTile together = decompose(network, trajectory, samples, adaptive(1e-5));
  for (size_t s = 0; s < samples.size(); ++s) {
    const ScoreTile alone = decompose(network, trajectory, {samples[s]}, adaptive(1e-5));
    EXPECT_EQ(alone.node_count[0], together.node_count[s]);
  }
}

TEST_F(LongSegment, HeadsRowsAndPositionsFollowTheSamePlan) {
  const ScoreTile tensors = decompose(network, trajectory, samples, adaptive(1e-6));
  for (const Granularity granularity : {Granularity::head, Granularity::row}) {
    for (const bool position : {false, true}) {
      RunOptions options = adaptive(1e-6);
      options.granularity = granularity;
      options.solver.axes.position = position;
      const ScoreTile tile = decompose(network, trajectory, samples, options);
      EXPECT_EQ(tile.node_count, tensors.node_count);
      const ComponentTable table(granularity, network.parameters());
      const size_t count = network.parameters().size();
      std::vector<double> sums(samples.size() * count, 0.0);
      const size_t rows = tile.psi.size() / static_cast<size_t>(table.size());
      for (size_t row = 0; row < rows; ++row) {
        const size_t sample = row * samples.size() / rows;
        for (size_t p = 0; p < count; ++p) {
          const ParameterSlot& slot = table.slot(static_cast<int64_t>(p));
          for (int64_t i = 0; i < slot.count; ++i) {
            sums[sample * count + p] += tile.psi[row * static_cast<size_t>(table.size()) +
                                                 static_cast<size_t>(slot.first + i)];
          }
        }
      }
      for (size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(sums[i], tensors.psi[i], 1e-13);
    }
  }
}

TEST_F(LongSegment, AToleranceThatIsMissedIsFlagged) {
  RunOptions options = adaptive(1e-10);
  options.solver.quadrature.max_nodes = 17;
  const ScoreTile tile = decompose(network, trajectory, samples, options);
  for (size_t s = 0; s < samples.size(); ++s) {
    EXPECT_EQ(tile.tolerance_met[s], 0);
    EXPECT_EQ(tile.limited_by_precision[s], 0);
    EXPECT_EQ(tile.node_count[s], 17);
    EXPECT_GT(tile.quadrature_error[s], 0);
  }
}

TEST_F(LongSegment, SinglePrecisionEndsAtItsFloor) {
  const std::vector<double> reference =
      decompose(network, trajectory, samples, fixed_rule("gauss:250")).psi;
  RunOptions options = adaptive(1e-12, 1e-14);
  options.type = at::kFloat;
  options.solver.quadrature.epsilon = 1.2e-7;
  const ScoreTile tile = decompose(network, trajectory, samples, options);
  for (size_t s = 0; s < samples.size(); ++s) {
    EXPECT_EQ(tile.limited_by_precision[s], 1);
    EXPECT_EQ(tile.tolerance_met[s], 0);
    EXPECT_LE(error_of(tile, reference, s), 1e-4);
  }
}

class Kinks : public ::testing::TestWithParam<Granularity> {
 protected:
  ReluNetwork network{23, 8};
  std::vector<at::Tensor> from = random_point(network, 1, 0.7);
  std::vector<at::Tensor> to = random_point(network, 2, 0.7);
  MemoryTrajectory trajectory{{from, to}};
  std::vector<Sample> samples = random_samples({3, 2, 4}, 23);
};

TEST_P(Kinks, BisectionMeetsTheToleranceAndAFixedRuleDoesNot) {
  constexpr double relative = 1e-3;
  RunOptions options = adaptive(relative, 0);
  options.granularity = GetParam();
  RunOptions fine = fixed_rule("midpoint:20000");
  fine.granularity = GetParam();
  const std::vector<double> reference = decompose(network, trajectory, samples, fine).psi;
  const ScoreTile tile = decompose(network, trajectory, samples, options);
  for (size_t s = 0; s < samples.size(); ++s) {
    EXPECT_EQ(tile.tolerance_met[s], 1);
    EXPECT_GT(tile.node_count[s], 17);
    EXPECT_LE(error_of(tile, reference, s), relative);
  }
  RunOptions fixed = fixed_rule("gauss:17");
  fixed.granularity = GetParam();
  const ScoreTile rule = decompose(network, trajectory, samples, fixed);
  double worst = 0;
  for (size_t s = 0; s < samples.size(); ++s) worst = std::max(worst, error_of(rule, reference, s));
  EXPECT_GT(worst, relative);
}

INSTANTIATE_TEST_SUITE_P(Relu, Kinks, ::testing::Values(Granularity::tensor, Granularity::row),
                         [](const auto& variant) { return to_string(variant.param); });

}  // namespace
}  // namespace explaind::testing
