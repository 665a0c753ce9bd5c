// The whole influence tensor Γ(step, parameter, training sample, prediction sample, output) of runs
// that PyTorch trained and recorded, element by element, against the paper's formulas written out
// in float64 (tests/goldens/training_axis/make_training_axis.py).

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "decomposition/component_sums.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/applied_scores.hpp"
#include "training_axis/sample_updates.hpp"
#include "unit/training_axis/golden_run.hpp"

namespace explaind::testing {
namespace {

constexpr double relative = 1e-9;

class GammaGolden : public ::testing::TestWithParam<std::string> {
 protected:
  GoldenRun golden{GetParam()};
  int64_t steps = golden.run().steps(), samples = golden.run().description().samples;
  int64_t functionals = functional_count(golden.predictions());
  int64_t width = golden.tensor("decay").size(1);  // D

  /// Δ_s(k) and the decay's part, S M D and S D, in blocks of so many bytes.
  std::pair<at::Tensor, at::Tensor> updates(int64_t memory) const {
    at::Tensor data = at::zeros({steps, samples, width}, at::kDouble);
    at::Tensor decay = at::zeros({steps, width}, at::kDouble);
    const SampleUpdates of_samples(golden.trained());
    for (const auto& block : parameter_blocks(golden.model(), samples, memory)) {
      of_samples.run(block, steps, [&](const BlockUpdate& update) {
        for (size_t i = 0; i < block.size(); ++i) {
          const int64_t row = update.decay[i].numel() / block[i].count;
          const int64_t first =
              golden.offset(static_cast<size_t>(block[i].parameter)) + block[i].first * row;
          data[update.step].narrow(1, first, block[i].count * row) += update.data[i].flatten(1);
          decay[update.step].narrow(0, first, block[i].count * row) += update.decay[i].flatten();
        }
      });
    }
    return {data, decay};
  }
};

TEST_P(GammaGolden, IntegratedGradientsOfEveryScalar) {
  const at::Tensor expected = golden.tensor("gradient"), values = golden.tensor("value");
  at::Tensor found = at::zeros_like(expected);
  for (int64_t s = 0; s < steps; ++s) {
    const auto integrals = integrate_gradients(golden.model(), golden.segment(s),
                                               golden.predictions(), golden.options().quadrature);
    for (int64_t f = 0; f < functionals; ++f) {
      const IntegratedGradient& integral = integrals[static_cast<size_t>(f)];
      for (size_t i = 0; i < integral.gradient.size(); ++i) {
        found[f][s].narrow(0, golden.offset(i), integral.gradient[i].numel()) =
            integral.gradient[i].flatten();
      }
      EXPECT_NEAR(integral.verdict.value_from, values[f][s].item<double>(), 1e-12);
      EXPECT_NEAR(integral.verdict.value_to, values[f][s + 1].item<double>(), 1e-12);
    }
  }
  expect_equal_elements(found, expected, relative, "G");
}

TEST_P(GammaGolden, EveryElement) {
  const at::Tensor gradients = golden.tensor("gradient");
  for (const int64_t memory : {int64_t{1} << 30, int64_t{2000}}) {
    const auto [data, decay] = updates(memory);
    expect_equal_elements(data, golden.tensor("update"), relative, "updates by sample");
    for (int64_t f = 0; f < functionals; ++f) {
      const at::Tensor g = gradients.select(0, f);
      expect_equal_elements(data * g.unsqueeze(1), golden.gamma(f), relative, "gamma");
      if (golden.tensor("decay").abs().max().item<double>() == 0) continue;
      expect_equal_elements(decay * g, golden.tensor("decay") * g, relative, "decay");
    }
  }
}

TEST_P(GammaGolden, AppliedScoresAreItsSumsOverComponents) {
  for (const Granularity granularity : {Granularity::layer, Granularity::row}) {
    const ComponentTable table(granularity, golden.model().parameters());
    for (const int64_t memory : {int64_t{1} << 30, int64_t{9000}}) {
      AxisOptions options = golden.options();
      options.memory = memory;
      at::Tensor found = at::zeros({functionals, steps, samples, table.size()}, at::kDouble);
      at::Tensor decay = at::zeros({functionals, steps, table.size()}, at::kDouble);
      applied_scores(golden.trained(), golden.predictions(), table, options,
                     [&](const AppliedScores& scores) {
                       found.select(1, scores.step) += scores.data;
                       decay.select(1, scores.step) += scores.decay;
                     });
      at::Tensor expected = at::zeros_like(found), expected_decay = at::zeros_like(decay);
      for (int64_t f = 0; f < functionals; ++f) {
        const at::Tensor gamma = golden.gamma(f).flatten(0, 1);
        const at::Tensor reg = golden.tensor("decay") * golden.tensor("gradient").select(0, f);
        at::Tensor sums = expected[f].view({steps * samples, table.size()});
        at::Tensor decay_sums = expected_decay[f];
        for (size_t i = 0; i < golden.model().parameters().size(); ++i) {
          const std::vector<int64_t>& shape = golden.model().parameters()[i].shape;
          const ParameterRows all{static_cast<ParameterId>(i), 0, shape[0]};
          const int64_t size = golden.offset(i + 1) - golden.offset(i);
          add_to_components(table, all, gamma.narrow(1, golden.offset(i), size), sums);
          add_to_components(table, all, reg.narrow(1, golden.offset(i), size), decay_sums);
        }
      }
      expect_equal_elements(found, expected, relative, "psi");
      expect_equal_elements(decay, expected_decay, relative, "psi of decay");
    }
  }
}

TEST_P(GammaGolden, AdjointSweepGivesTheOriginIndex) {
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  for (const bool range : {false, true}) {
    for (const int64_t memory : {int64_t{1} << 30, int64_t{1}}) {
      AxisOptions options = golden.options(range);
      options.memory = memory;
      AdjointSweep sweep(golden.trained(), table, options);
      at::Tensor found = at::zeros({functionals, steps, samples, table.size()}, at::kDouble);
      at::Tensor decay = at::zeros({functionals, steps, table.size()}, at::kDouble);
      int64_t last = steps;
      sweep.run(golden.predictions(), [&](const OriginScores& scores) {
        EXPECT_LT(scores.step, last);
        last = scores.step;
        found.select(1, scores.step)
            .index_add_(1, at::tensor(scores.samples, at::kLong), scores.data);
        decay.select(1, scores.step) += scores.decay;
      });
      expect_equal_elements(found, golden.tensor(range ? "origin_range" : "origin"), relative,
                            "origin");
      if (!range) {
        expect_equal_elements(decay, golden.tensor("origin_decay"), relative, "decay by origin");
      }
    }
  }
}

TEST_P(GammaGolden, AppliedAndOriginIndicesAgreeInTheirSums) {
  for (const Granularity granularity : {Granularity::head, Granularity::row}) {
    const ComponentTable table(granularity, golden.model().parameters());
    for (const bool range : {false, true}) {
      at::Tensor origin = at::zeros({functionals, samples, table.size()}, at::kDouble);
      at::Tensor applied = at::zeros_like(origin);
      at::Tensor origin_decay = at::zeros({functionals, table.size()}, at::kDouble);
      at::Tensor applied_decay = at::zeros_like(origin_decay);
      AdjointSweep sweep(golden.trained(), table, golden.options(range));
      sweep.run(golden.predictions(), [&](const OriginScores& scores) {
        origin.index_add_(1, at::tensor(scores.samples, at::kLong), scores.data);
        origin_decay += scores.decay;
      });
      applied_scores(golden.trained(), golden.predictions(), table, golden.options(range),
                     [&](const AppliedScores& scores) {
                       applied += scores.data;
                       applied_decay += scores.decay;
                     });
      expect_equal_elements(origin, applied, relative, "sums over steps");
      expect_equal_elements(origin_decay, applied_decay, relative, "decay over steps");
    }
  }
}

/// method.md §2: Σ_k ψ(k) + ψ^reg + rounding = Δ · G at every step, rounding below 1e-12 of it.
TEST_P(GammaGolden, SamplesAndDecayAddUpToTheUpdate) {
  const auto [data, decay] = updates(int64_t{1} << 30);
  for (int64_t s = 0; s < steps; ++s) {
    std::vector<at::Tensor> flat;
    const Segment segment = golden.segment(s);
    for (size_t i = 0; i < segment.from.size(); ++i) {
      flat.push_back((segment.to[i] - segment.from[i]).flatten());
    }
    const at::Tensor delta = at::cat(flat);
    const at::Tensor rounding = delta - data[s].sum(0) - decay[s];
    EXPECT_LT(rounding.norm().item<double>(), 1e-12 * delta.norm().item<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(Runs, GammaGolden, ::testing::ValuesIn(golden_runs()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace explaind::testing
