// F at the ends of segments in a precision of its own, and segments and tensors that do not move.

#include "sweeps/end_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "model/decoder.hpp"
#include "model/registry.hpp"
#include "parameters/end_weights.hpp"
#include "parameters/resident_parameters.hpp"
#include "planner/workspace.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "sweeps/node_major_sweep.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

/// A group of one rank.
class Alone final : public Collectives {
 public:
  Alone() : Collectives(0, 1) {}

 private:
  void begin(Gather, const std::byte* mine, size_t bytes, std::byte* all) override {
    std::memcpy(all, mine, bytes);
  }
  void finish(Gather) override {}
  void give_up(const std::string&) override {}
};

std::vector<at::Tensor> as_single(const std::vector<at::Tensor>& point) {
  std::vector<at::Tensor> single;
  for (const at::Tensor& tensor : point) single.push_back(tensor.to(at::kFloat));
  return single;
}

std::vector<at::Tensor> as_double(const std::vector<at::Tensor>& point) {
  std::vector<at::Tensor> wide;
  for (const at::Tensor& tensor : point) wide.push_back(tensor.to(at::kDouble));
  return wide;
}

class Ends : public ::testing::Test {
 protected:
  Decoder network{tiny_config()};
  std::vector<at::Tensor> a = as_single(random_point(network, 1)),
                          b = as_single(moved(network, random_point(network, 1), 2, 0.05)),
                          c = as_single(moved(network, random_point(network, 1), 3, 0.05));
  MemoryTrajectory path{{a, b, c}};
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, 37);
  Alone group;

  struct Way {
    Source source = Source::resident;
    ProductForm form = ProductForm::formed;
    bool own = true;  ///< values in fp64
    Precision precision = {};
    std::string rule = "adaptive";
    Granularity granularity = Granularity::tensor;
    int64_t activations = 1 << 20;
    std::string functional = "loss";
  };
  [[nodiscard]] std::vector<ScoreTile> tiles(const Way& way, const Trajectory& trajectory) {
    const ComponentTable table(way.granularity, network.parameters());
    Computation computation{.precision = way.precision, .form = way.form};
    if (way.own) computation.values = Precision{.type = at::kDouble, .products = at::kDouble};
    MemoryPlan memory;
    memory.source = way.source;
    memory.activations = way.activations;
    SolverOptions options;
    options.functional = parse_functional(way.functional);
    parse_quadrature(way.rule, options.quadrature);
    options.quadrature.absolute = 1e-9;
    options.quadrature.epsilon = way.precision.products == at::kBFloat16 ? 3.9e-3
                                 : way.precision.type == at::kDouble     ? 2.2e-16
                                                                         : 1.2e-7;
    options.chunk = 3;
    options.micro_batch = 2;
    const Groups groups = group_samples(samples);
    const Workspace workspace(network, {options.functional, trajectory, table}, computation, memory,
                              group);
    const UnitSolver solver(table, samples, groups, options);
    std::vector<ScoreTile> found;
    for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
      workspace.parameters->load(segment);
      const Unit unit{.index = segment,
                      .segment = segment,
                      .sample_begin = 0,
                      .sample_end = static_cast<int64_t>(samples.size())};
      found.push_back(solver.solve(unit, *workspace.sweep));
    }
    return found;
  }
};

TEST_F(Ends, AreDoublePrecisionFromEverySourceFormAndRule) {
  std::vector<std::vector<double>> exact;  // point, sample
  for (const std::vector<at::Tensor>& point : {a, b, c}) {
    exact.emplace_back();
    for (const Sample& sample : samples) {
      exact.back().push_back(loss_of(network, as_double(point), sample));
    }
  }
  std::vector<double> bits;
  for (const Source source : {Source::resident, Source::gathered, Source::streamed}) {
    for (const ProductForm form : {ProductForm::formed, ProductForm::split}) {
      for (const std::string rule : {"adaptive", "gauss:3"}) {
        for (const bool rounded : {false, true}) {
          Precision precision;
          if (rounded) precision.products = at::kBFloat16;
          const std::vector<ScoreTile> found =
              tiles({.source = source,
                     .form = form,
                     .precision = precision,
                     .rule = rule,
                     .activations = source == Source::streamed ? 1 : 1 << 20},
                    path);
          std::vector<double> values;
          for (size_t s = 0; s < found.size(); ++s) {
            for (size_t i = 0; i < samples.size(); ++i) {
              EXPECT_NEAR(found[s].value_from[i], exact[s][i], 1e-14);
              EXPECT_NEAR(found[s].value_to[i], exact[s + 1][i], 1e-14);
            }
            values.insert(values.end(), found[s].value_from.begin(), found[s].value_from.end());
            values.insert(values.end(), found[s].value_to.begin(), found[s].value_to.end());
          }
          EXPECT_EQ(found[0].value_to, found[1].value_from) << "one forward pass serves both";
          if (bits.empty()) bits = values;
          EXPECT_EQ(values, bits);
        }
      }
    }
  }
}

TEST_F(Ends, AreThoseOfEveryFunctional) {
  const Precision wide{.type = at::kDouble, .products = at::kDouble};
  for (const std::string functional : {"loss", "loss_sum", "logit:-1:5", "logit_diff:-1:5:7",
                                       "logprob:-1:5", "activation:0:-1:3"}) {
    for (const Source source : {Source::resident, Source::streamed}) {
      for (const ProductForm form : {ProductForm::formed, ProductForm::split}) {
        Way way{.source = source, .form = form, .rule = "gauss:2", .functional = functional};
        const std::vector<ScoreTile> own = tiles(way, path);
        way.own = false;
        way.precision = wide;
        const std::vector<ScoreTile> exact = tiles(way, path);
        for (size_t s = 0; s < own.size(); ++s) {
          for (size_t i = 0; i < samples.size(); ++i) {
            EXPECT_NEAR(own[s].value_from[i], exact[s].value_from[i], 1e-13) << functional;
            EXPECT_NEAR(own[s].value_to[i], exact[s].value_to[i], 1e-13) << functional;
          }
        }
      }
    }
  }
}

TEST_F(Ends, TheResidualThenMeasuresTheScores) {
  const std::vector<ScoreTile> own = tiles({}, path), same = tiles({.own = false}, path);
  const std::vector<ScoreTile> wide =
      tiles({.own = false, .precision = {.type = at::kDouble, .products = at::kDouble}}, path);
  double measured = 0, rounding = 0;
  for (size_t s = 0; s < own.size(); ++s) {
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(own[s].node_count[i], wide[s].node_count[i]);
      double sum = 0;
      for (size_t k = 0; k < own[s].psi.size() / samples.size(); ++k) {
        sum += own[s].psi[i * own[s].psi.size() / samples.size() + k];
      }
      const double change = wide[s].value_to[i] - wide[s].value_from[i];
      EXPECT_NEAR(own[s].residual[i], change - sum, 1e-13);
      measured = std::max(measured, std::abs(own[s].residual[i]));
      rounding = std::max(rounding, std::abs(same[s].residual[i]));
    }
  }
  EXPECT_LT(measured, rounding / 2);
}

TEST_F(Ends, ScoresAreThoseOfTheSweepItself) {
  for (const Granularity granularity : {Granularity::tensor, Granularity::row}) {
    const Way own{.rule = "gauss:4", .granularity = granularity};
    Way same = own;
    same.own = false;
    for (size_t s = 0; s < 2; ++s) {
      EXPECT_EQ(tiles(own, path)[s].psi, tiles(same, path)[s].psi);
    }
  }
}

/// Counts what a sweep is asked.
class Counting final : public Sweep {
 public:
  Counting(std::unique_ptr<Sweep> inner, std::vector<double>& asked)
      : inner_(std::move(inner)), asked_(asked) {}
  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override {
    for (const Ask& ask : asks) asked_.push_back(ask.t);
    inner_->run(chunk, asks, sink);
  }
  [[nodiscard]] const Device& device() const override { return inner_->device(); }

 private:
  std::unique_ptr<Sweep> inner_;
  std::vector<double>& asked_;
};

TEST_F(Ends, NeighboursShareAForwardPass) {
  const ComponentTable table(Granularity::tensor, network.parameters());
  const Precision wide{.type = at::kDouble, .products = at::kDouble};
  ResidentParameters parameters(network, path, {});
  auto at_ends =
      std::make_unique<EndWeights>(network, path, wide, std::make_shared<MappedEndpoints>(path));
  std::vector<double> asked;
  auto forward = std::make_unique<Counting>(
      std::make_unique<BlockMajorSweep>(network, *at_ends, table,
                                        BlockMajorOptions{.activation_bytes = 1 << 20}),
      asked);
  EndValues sweep(std::make_unique<NodeMajorSweep>(network, parameters, table), parameters,
                  std::move(forward), std::move(at_ends), path, table);
  SolverOptions options;
  options.chunk = 3;  // two chunks
  const Groups groups = group_samples(samples);
  const UnitSolver solver(table, samples, groups, options);
  const auto solve = [&](int64_t segment) {
    parameters.load(segment);
    static_cast<void>(
        solver.solve({.index = 0, .segment = segment, .sample_begin = 0, .sample_end = 5}, sweep));
  };
  solve(0);
  EXPECT_THAT(asked, ::testing::ElementsAre(0, 1, 0, 1));
  asked.clear();
  solve(1);
  EXPECT_THAT(asked, ::testing::ElementsAre(1, 1));
  asked.clear();
  solve(1);
  EXPECT_TRUE(asked.empty());
}

TEST_F(Ends, OfWhatDoesNotMoveNothingIsEvaluated) {
  const MemoryTrajectory still({a, as_single(as_double(a)), b});
  for (const Source source : {Source::resident, Source::streamed}) {
    for (const std::string rule : {"adaptive", "gauss:3"}) {
      const std::vector<ScoreTile> found = tiles({.source = source, .rule = rule}, still);
      EXPECT_THAT(found[0].node_count, ::testing::Each(0));
      EXPECT_THAT(found[0].psi, ::testing::Each(0.0));
      EXPECT_THAT(found[0].residual, ::testing::Each(0.0));
      EXPECT_THAT(found[0].tolerance_met, ::testing::Each(rule == "adaptive" ? 1 : 0));
      EXPECT_EQ(found[0].value_from, found[1].value_from);
      EXPECT_EQ(found[0].value_to, found[1].value_from);
      EXPECT_THAT(found[1].node_count, ::testing::Each(::testing::Gt(0)));
    }
  }
}

TEST_F(Ends, AFrozenTensorScoresZeroAndChangesNoOther) {
  for (size_t frozen = 0; frozen < a.size(); ++frozen) {
    std::vector<at::Tensor> to = b;
    to[frozen] = a[frozen].clone();
    const MemoryTrajectory path_of_one({a, to});
    // A zero of the other sign is another value to the bit, so that every product is formed.
    std::vector<at::Tensor> turned = a;
    turned[frozen] = a[frozen].clone();
    turned[frozen].view({-1})[0] = 0.0F;
    std::vector<at::Tensor> from = turned;
    to[frozen] = turned[frozen].clone();
    to[frozen].view({-1})[0] = -0.0F;
    const MemoryTrajectory formed_path({turned, to});
    from[frozen] = to[frozen];
    const MemoryTrajectory skipped_path({from, to});
    for (const ProductForm form : {ProductForm::formed, ProductForm::split}) {
      const Way way{.form = form, .rule = "gauss:3"};
      const ScoreTile formed = tiles(way, formed_path)[0], skipped = tiles(way, skipped_path)[0];
      EXPECT_EQ(formed.psi, skipped.psi) << network.parameters()[frozen].name;
      EXPECT_NE(skipped.psi[0] + skipped.psi[1], 0);
    }
  }
}

}  // namespace
}  // namespace explaind::testing
