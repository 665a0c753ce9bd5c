// Products split into x a + t (x Δ), all nodes of a round at once, against W(t) formed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "parameters/resident_parameters.hpp"
#include "planner/computation.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "unit/tiny_models/relu_network.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

class Split : public ::testing::Test {
 protected:
  static DecoderConfig config() {
    DecoderConfig config = tiny_config();
    config.query_bias = config.output_bias = true;
    config.tied = true;
    return config;
  }
  Decoder network{config()};
  std::vector<at::Tensor> from = random_point(network, 1);
  MemoryTrajectory path{{from, moved(network, from, 2, 0.1)}};
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, 37);
};

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  double apart = 0;
  for (size_t i = 0; i < a.size(); ++i) apart = std::max(apart, std::abs(a[i] - b[i]));
  EXPECT_LT(apart, tolerance);
}

TEST_F(Split, ScoresAreThoseOfFormedWeights) {
  for (const Granularity granularity : {Granularity::tensor, Granularity::head, Granularity::row}) {
    for (const bool position : {false, true}) {
      RunOptions options = fixed_rule("gauss:37");  // three evaluations of 16, 16 and 5 nodes
      options.granularity = granularity;
      options.solver.axes.position = position;
      options.solver.micro_batch = 2;
      const ScoreTile formed = decompose(network, path, samples, options);
      options.form = ProductForm::split;
      const ScoreTile split = decompose(network, path, samples, options);
      expect_near(formed.psi, split.psi, 1e-13);
      expect_near(formed.residual, split.residual, 1e-12);
      EXPECT_EQ(formed.value_from, split.value_from);
      EXPECT_EQ(formed.value_to, split.value_to) << "the ends are the stored ones";
    }
  }
}

TEST_F(Split, IsTheSameFromEverySourceAndInWaves) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    // In fp32 F itself is rounded by 3e-7 here, on some processors.
    RunOptions options = adaptive(1e-5, type == at::kFloat ? 1e-5 : 1e-7);
    options.granularity = Granularity::row;
    options.type = type;
    options.solver.micro_batch = 2;
    options.form = ProductForm::split;
    const ScoreTile resident = decompose(network, path, samples, options);
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_TRUE(resident.tolerance_met[i] == 1 || resident.limited_by_precision[i] == 1)
          << i << ": residual " << resident.residual[i] << ", error "
          << resident.quadrature_error[i] << ", nodes " << resident.node_count[i] << ", F "
          << resident.value_from[i] << " to " << resident.value_to[i];
    }
    options.streamed = true;
    for (const int64_t bytes : {int64_t{1} << 30, int64_t{1}}) {
      options.activation_bytes = bytes;
      const ScoreTile streamed = decompose(network, path, samples, options);
      EXPECT_EQ(resident.psi, streamed.psi);
      EXPECT_EQ(resident.residual, streamed.residual);
      EXPECT_EQ(resident.node_count, streamed.node_count);
    }
  }
}

TEST(SplitEnds, TheLastNodeOfClenshawCurtisIsTheStoredEnd) {
  // Far apart a + (b − a) is not b in fp32: of small b after large a whole digits are lost.
  const Decoder network{tiny_config()};
  const std::vector<at::Tensor> near = random_point(network, 2);
  std::vector<at::Tensor> from, to;
  for (size_t i = 0; i < near.size(); ++i) {
    const at::Tensor far = near[i] + (near[i].dim() > 1 ? 3e4 : 0.0) * at::randn_like(near[i]);
    to.push_back(near[i].to(at::kFloat));
    from.push_back(far.to(at::kFloat));
  }
  double lost = 0;
  for (size_t i = 0; i < to.size(); ++i) {
    lost = std::max(lost, (from[i] + (to[i] - from[i]) - to[i]).abs().max().item<double>());
  }
  ASSERT_GT(lost, 1e-4);
  const MemoryTrajectory path({from, to});
  const std::vector<Sample> samples = random_samples({5, 3}, 37);
  const ComponentTable table(Granularity::tensor, network.parameters());
  ChunkBatches chunk{.batches = {make_micro_batch(samples, Functional::loss())}, .first = {0}};
  const auto plan = make_plan({}, 2, table.size(), false);  // nine nodes with gradients
  const std::vector<Ask>& asks = plan->next();
  ASSERT_EQ(asks.back().t, 1);
  ASSERT_FALSE(asks.back().value_only);
  const auto last_node = [&](at::ScalarType type, ProductForm form, auto&& read) {
    ResidentParameters parameters(network, path, {.type = type, .products = type});
    parameters.load(0);
    BlockMajorSweep sweep(network, parameters, table, {.activation_bytes = 1 << 30, .form = form});
    ScoreAccumulator sink(table, {.samples = 2, .accumulators = plan->accumulators()});
    sweep.run(chunk, asks, sink);
    read(sink);
  };
  std::vector<double> exact, exact_value, split, split_value;
  last_node(at::kDouble, ProductForm::formed, [&](const ScoreAccumulator& sink) {
    exact = sink.values().back();
    exact_value = sink.functionals().back();
  });
  last_node(at::kFloat, ProductForm::split, [&](const ScoreAccumulator& sink) {
    split = sink.values().back();
    split_value = sink.functionals().back();
  });
  double size = 0;
  for (const double each : exact) size = std::max(size, std::abs(each));
  expect_near(exact_value, split_value, 1e-5);
  expect_near(exact, split, 2e-5 * size);
}

TEST(SplitKinks, ReplayedNodesAreInOneProductOfAtMostSixteen) {
  const ReluNetwork relu(23, 8);
  const MemoryTrajectory path({random_point(relu, 1, 0.7), random_point(relu, 2, 0.7)});
  const std::vector<Sample> samples = random_samples({3, 2, 4}, 23);
  RunOptions options = adaptive(1e-3, 0);
  options.granularity = Granularity::row;
  const ScoreTile formed = decompose(relu, path, samples, options);
  EXPECT_GT(*std::max_element(formed.node_count.begin(), formed.node_count.end()), 33);
  options.form = ProductForm::split;
  const ScoreTile split = decompose(relu, path, samples, options);
  EXPECT_EQ(formed.node_count, split.node_count);
  expect_near(formed.psi, split.psi, 1e-10);
}

TEST(ProductFormChoice, FollowsFromTokensAlone) {
  EXPECT_EQ(choose_product_form("auto", few_tokens), ProductForm::split);
  EXPECT_EQ(choose_product_form("auto", few_tokens + 1), ProductForm::formed);
  EXPECT_EQ(choose_product_form("formed", 1), ProductForm::formed);
  EXPECT_EQ(choose_product_form("split", 1 << 20), ProductForm::split);
  EXPECT_THROW(choose_product_form("other", 1), UsageError);
}

}  // namespace
}  // namespace explaind::testing
