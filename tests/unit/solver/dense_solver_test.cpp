// Scores of single scalars against dense gradients and finite differences of their own, and against
// engine A, which never forms a gradient.

#include "solver/dense_solver.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "model/decoder.hpp"
#include "model/registry.hpp"
#include "parameters/resident_parameters.hpp"
#include "scores/tile_sum.hpp"
#include "sweeps/node_major_sweep.hpp"
#include "unit/tiny_models/tiny.hpp"

// R rows of a unit, C tensors.

namespace explaind::testing {
namespace {

/// What a unit left: its tile, and per row and tensor the scores of scalars.
struct Scored {
  ScoreTile tile;
  std::vector<std::vector<at::Tensor>> scalars;
};

void put(const DenseSlice& slice, const Model& model, std::vector<std::vector<at::Tensor>>& into) {
  const auto row = static_cast<size_t>(slice.row);
  if (into.size() <= row) into.resize(row + 1, std::vector<at::Tensor>(model.parameters().size()));
  const std::vector<int64_t>& shape = model.parameters()[static_cast<size_t>(slice.tensor)].shape;
  EXPECT_EQ(slice.first, 0);
  EXPECT_EQ(slice.count, shape[0]);
  const std::vector<double> copy(slice.scores.begin(), slice.scores.end());
  into[row][static_cast<size_t>(slice.tensor)] = at::tensor(copy, at::kDouble).view(shape);
}

/// All samples as one unit, all segments of the trajectory as its pieces.
Scored solve(const Model& model, const MemoryTrajectory& trajectory,
             const std::vector<Sample>& samples, const SolverOptions& options,
             ParameterSource& parameters, Sweep& sweep, DensePass& pass, int64_t rows,
             const DecayUpdate& decay = {}) {
  const ComponentTable table(Granularity::tensor, model.parameters());
  const Groups groups = group_samples(samples);
  const UnitSolver solver(table, samples, groups, options);
  const Unit unit{.sample_end = static_cast<int64_t>(samples.size())};
  std::vector<SampleNodes> nodes(static_cast<size_t>(trajectory.segments()));
  Scored scored;
  for (int64_t piece = 0; piece < trajectory.segments(); ++piece) {
    parameters.load(piece);
    ScoreTile tile = solver.solve(unit, sweep, &nodes[static_cast<size_t>(piece)]);
    if (piece == 0) {
      scored.tile = std::move(tile);
    } else {
      add_piece(scored.tile, tile);
    }
  }
  const DenseSolver dense({model, samples, groups, options, parameters, pass}, {.at_once = rows},
                          decay);
  dense.solve({0, trajectory.segments()}, nodes, scored.tile,
              [&](const DenseSlice& slice) { put(slice, model, scored.scalars); });
  return scored;
}

/// Of every row: the tensors' sums are psi, and their sums of absolute values psi_abs.
void expect_sums(const Scored& scored, double tolerance) {
  const size_t tensors = scored.scalars.at(0).size();
  ASSERT_EQ(scored.tile.psi.size(), scored.scalars.size() * tensors);
  ASSERT_EQ(scored.tile.psi_abs.size(), scored.tile.psi.size());
  for (size_t r = 0; r < scored.scalars.size(); ++r) {
    for (size_t i = 0; i < tensors; ++i) {
      const at::Tensor& scores = scored.scalars[r][i];
      const auto size = scores.abs().sum().item<double>();
      EXPECT_NEAR(scores.sum().item<double>(), scored.tile.psi[r * tensors + i],
                  tolerance * (size + 1));
      EXPECT_NEAR(size, scored.tile.psi_abs[r * tensors + i], 1e-14 * (size + 1));
    }
  }
}

class Scalars : public ::testing::Test {
 protected:
  static DecoderConfig config() {
    DecoderConfig made = tiny_config();
    made.tied = true;
    return made;
  }
  static SolverOptions options(const std::string& rule = "gauss:4") {
    SolverOptions made;
    parse_quadrature(rule, made.quadrature);
    made.quadrature.relative = 1e-6;
    made.quadrature.absolute = 1e-12;
    made.micro_batch = 2;  // of 7 and 3 tokens: one is padded
    return made;
  }
  Scored scores(const SolverOptions& given, int64_t rows = 1) const {
    return scores(MemoryTrajectory({from, to}), given, rows);
  }
  Scored scores(const MemoryTrajectory& trajectory, const SolverOptions& given, int64_t rows = 1,
                const DecayUpdate& decay = {}) const {
    const Model& model = network;
    ResidentParameters parameters(model, trajectory,
                                  {.type = at::kDouble, .products = at::kDouble});
    const ComponentTable table(Granularity::tensor, network.parameters());
    NodeMajorSweep sweep(network, parameters, table, {}, given.functional);
    NetworkPass pass(network, given.functional, parameters);
    return solve(network, trajectory, samples, given, parameters, sweep, pass, rows, decay);
  }
  std::vector<at::Tensor> expected(size_t sample) const {
    return dense_scores(network, from, to, samples[sample], gauss_rule(4));
  }

  Decoder network{config()};
  std::vector<at::Tensor> from = random_point(network, 1);
  std::vector<at::Tensor> to = moved(network, from, 2, 0.05);
  std::vector<Sample> samples = random_samples({7, 3, 11}, 37);
};

TEST_F(Scalars, AreThoseOfDenseGradients) {
  const Scored scored = scores(options());
  expect_sums(scored, 1e-14);
  for (size_t s = 0; s < samples.size(); ++s) {
    const std::vector<at::Tensor> wanted = expected(s);
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_LT((scored.scalars[s][i] - wanted[i]).abs().max().item<double>(), 1e-14);
      EXPECT_GT(wanted[i].abs().max().item<double>(), 1e-9);
    }
  }
}

TEST_F(Scalars, AreThoseOfFiniteDifferences) {
  const Scored scored = scores(options());
  const FixedRule rule = gauss_rule(4);
  constexpr double step = 1e-5;
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t scalar = from[i].numel() / 3;
    double integral = 0;
    for (size_t q = 0; q < rule.nodes.size(); ++q) {
      std::vector<at::Tensor> point = between(from, to, rule.nodes[q]);
      const auto value = [&](double offset) {
        point[i] = point[i].clone();
        point[i].view({-1})[scalar] += offset;
        return loss_of(network, point, samples[2]);
      };
      const double above = value(step), below = value(-2 * step);
      integral += rule.weights[q] * (above - below) / (2 * step);
    }
    const auto update = (to[i] - from[i]).view({-1})[scalar].item<double>();
    EXPECT_NEAR(scored.scalars[2][i].view({-1})[scalar].item<double>(), integral * update, 1e-10);
  }
}

TEST_F(Scalars, AddUpToTheAdaptiveRulesScores) {
  for (const char* name :
       {"loss", "loss_sum", "logit:-1:5", "logit_diff:1:5:7", "logprob:2:3", "activation:1:-1:4"}) {
    SolverOptions given = options("adaptive");
    given.functional = parse_functional(name);
    const Scored scored = scores(given, 2);
    expect_sums(scored, 1e-13);
    EXPECT_GT(scored.tile.psi_abs[0], 1e-6) << name;
  }
}

TEST_F(Scalars, OfRowsTogetherHaveTheSameBits) {
  const Scored alone = scores(options("adaptive"), 1), together = scores(options("adaptive"), 2);
  for (size_t s = 0; s < samples.size(); ++s) {
    for (size_t i = 0; i < from.size(); ++i) {
      EXPECT_TRUE(at::equal(alone.scalars[s][i], together.scalars[s][i]));
    }
  }
  EXPECT_EQ(alone.tile.psi_abs, together.tile.psi_abs);
}

TEST_F(Scalars, OfGroupsAreSumsOrMeansOfSamples) {
  SolverOptions given = options();
  const Scored each = scores(given);
  given.axes = parse_axes("");
  const Scored all = scores(given);
  given.axes = parse_axes("group");
  const Scored means = scores(given, 2);
  given.group_reduce = GroupReduce::sum;
  const Scored sums = scores(given, 1);
  for (const Scored* scored : {&all, &means, &sums}) expect_sums(*scored, 1e-14);
  ASSERT_EQ(all.scalars.size(), 1U);
  ASSERT_EQ(means.scalars.size(), 2U);
  for (size_t i = 0; i < from.size(); ++i) {
    const at::Tensor even = each.scalars[0][i] + each.scalars[2][i], odd = each.scalars[1][i];
    const auto apart = [](const at::Tensor& a, const at::Tensor& b) {
      return (a - b).abs().max().item<double>();
    };
    EXPECT_LT(apart(sums.scalars[0][i], even), 1e-15);
    EXPECT_LT(apart(means.scalars[0][i], even / 2), 1e-15);
    EXPECT_LT(apart(means.scalars[1][i], odd), 1e-15);
    EXPECT_LT(apart(all.scalars[0][i], even + odd), 1e-15);
  }
}

TEST_F(Scalars, OfPiecesAreAddedBeforeTheirAbsoluteValues) {
  const std::vector<at::Tensor> back = moved(network, from, 9, 0.02);
  for (const char* axes : {"sample", ""}) {
    SolverOptions given = options();
    given.axes = parse_axes(axes);
    const Scored first = scores(MemoryTrajectory({from, to}), given);
    const Scored second = scores(MemoryTrajectory({to, back}), given);
    const Scored both = scores(MemoryTrajectory({from, to, back}), given, 2);
    expect_sums(both, 1e-14);
    for (size_t i = 0; i < from.size(); ++i) {
      const at::Tensor sum = first.scalars[0][i] + second.scalars[0][i];
      EXPECT_LT((both.scalars[0][i] - sum).abs().max().item<double>(), 1e-15);
    }
  }
}

/// With −λθ as decay: D(c) of dense scores, and Σ|Ψ| where there is none.
TEST_F(Scalars, BalanceDataAgainstDecay) {
  const MemoryTrajectory trajectory({from, to});
  const DecayUpdate decay = [&](int64_t, ParameterId parameter) {
    return parameter == 1 ? at::Tensor() : from[static_cast<size_t>(parameter)] * -0.03;
  };
  for (const char* axes : {"sample", "group"}) {
    SolverOptions given = options();
    given.axes = parse_axes(axes);
    const Scored scored = scores(trajectory, given, 2, decay);
    ASSERT_EQ(scored.tile.balance.size(), scored.tile.psi.size());
    expect_sums(scored, 1e-14);
    for (size_t r = 0; r < scored.scalars.size(); ++r) {
      for (size_t i = 0; i < from.size(); ++i) {
        const at::Tensor& all = scored.scalars[r][i];
        const at::Tensor of_decay =
            i == 1 ? at::zeros_like(all) : all / (to[i] - from[i]) * from[i] * -0.03;
        const at::Tensor balance = (all - of_decay).abs() - of_decay.abs();
        EXPECT_NEAR(scored.tile.balance[r * from.size() + i], balance.sum().item<double>(), 1e-12);
        EXPECT_EQ(of_decay.abs().max().item<double>() > 1e-6, i != 1);
      }
    }
  }
}

/// Kinks: the weights of Simpson's nodes are known at the end only.
TEST(ScalarsOfClassifiers, AddUpWhereBisectionFixesTheNodes) {
  at::manual_seed(7);
  const std::unique_ptr<Model> model = build_model({{"name", "cnn"},
                                                    {"config",
                                                     {{"channels", 1},
                                                      {"height", 12},
                                                      {"width", 12},
                                                      {"filters1", 2},
                                                      {"filters2", 3},
                                                      {"hidden", 5},
                                                      {"classes", 3}}}},
                                                   "test");
  std::vector<at::Tensor> from, to;
  for (const ParameterInfo& parameter : model->parameters()) {
    from.push_back(0.3 * at::randn(parameter.shape, at::kDouble));
    to.push_back(from.back() + 0.3 * at::randn(parameter.shape, at::kDouble));
  }
  PredictionData data{.data = {at::randint(0, 256, {5, 1, 12, 12}, at::kByte),
                               at::tensor({0, 2, 1, 1, 0}, at::kLong)},
                      .transform = {{0.4}, {0.3}},
                      .classes = 3};
  std::vector<Sample> samples;
  for (int64_t i = 0; i < 5; ++i) {
    samples.push_back({.id = std::to_string(i),
                       .group = i % 2 == 0 ? "a" : "b",
                       .input_ids = {i},
                       .labels = {data.data.labels[i].item<int64_t>()}});
  }
  const MemoryTrajectory trajectory({from, to});
  for (const char* name : {"loss", "logit_diff:label:0"}) {
    SolverOptions options;
    options.functional = parse_functional(name);
    options.quadrature.relative = 1e-3;
    options.micro_batch = 2;
    ResidentParameters parameters(*model, trajectory,
                                  {.type = at::kDouble, .products = at::kDouble});
    const ComponentTable table(Granularity::tensor, model->parameters());
    ClassifierSweep sweep(*model, data, options.functional, parameters, table);
    ClassifierPass pass(*model, data, options.functional, parameters);
    const Scored scored = solve(*model, trajectory, samples, options, parameters, sweep, pass, 2);
    expect_sums(scored, 1e-13);
    const auto most =
        *std::max_element(scored.tile.node_count.begin(), scored.tile.node_count.end());
    EXPECT_GT(most, 129) << name << ": no sample was bisected";
  }
}

}  // namespace
}  // namespace explaind::testing
