// The whole influence tensor Γ(step, parameter, training sample, prediction sample, output) of runs
// that PyTorch trained and recorded, element by element, against the paper's formulas written out
// in float64 (tests/goldens/training_axis/make_training_axis.py).

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engines/component_sums.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/applied_scores.hpp"
#include "training_axis/sample_updates.hpp"
#include "training_axis/train_groups.hpp"
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
  FunctionalSums functionals_ = FunctionalSums::each(golden.predictions());

  /// Σ over steps: F K C, and F C of the parts without training samples.
  struct SummedSteps {
    at::Tensor data, decay, momentum, rounding;
    void add(const StepScores& scores, const Groups& groups) {
      const at::Tensor by_group =
          scores.samples.empty() ? scores.data : sum_groups(scores.data, scores.samples, groups);
      const std::pair<at::Tensor&, const at::Tensor&> parts[]{{data, by_group},
                                                              {decay, scores.decay},
                                                              {momentum, scores.momentum},
                                                              {rounding, scores.rounding}};
      for (const auto& [sum, part] : parts) sum = sum.defined() ? sum + part : part.clone();
    }
  };
  /// Ψ less its parts: F C.
  static at::Tensor missing_of(const StepScores& scores) {
    return scores.total - scores.data.sum(1) - scores.decay - scores.momentum - scores.rounding;
  }

  /// Δ_s(k) and the decay's part, S M D and S D, in blocks of so many bytes.
  std::pair<at::Tensor, at::Tensor> updates(int64_t memory) const {
    at::Tensor data = at::zeros({steps, samples, width}, at::kDouble);
    at::Tensor decay = at::zeros({steps, width}, at::kDouble);
    const Groups alone = each_sample(samples);
    const SampleUpdates of_samples(golden.trained(), alone);
    for (const auto& block :
         parameter_blocks(golden.model(), element_bytes(samples, samples, 8), memory, 1)) {
      of_samples.run(block, steps, [&](const BlockUpdate& update) {
        for (size_t i = 0; i < block.size(); ++i) {
          const int64_t row = update.parts[i].decay.numel() / block[i].count;
          const int64_t first =
              golden.offset(static_cast<size_t>(block[i].parameter)) + block[i].first * row;
          data[update.step].narrow(1, first, block[i].count * row) += update.data[i].flatten(1);
          decay[update.step].narrow(0, first, block[i].count * row) +=
              update.parts[i].decay.flatten();
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
    const auto integrals = integrate_predictions(golden.model(), golden.segment(s),
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
    // One block of parameters; several, whose scores wait for each other (a table of rows is
    // larger than all momentum here).
    const int64_t waiting = steps * functionals * samples * table.size() * 8;
    for (const int64_t memory : {int64_t{1} << 30, waiting + 7000}) {
      AxisOptions options = golden.options();
      options.memory = memory;
      at::Tensor found = at::zeros({functionals, steps, samples, table.size()}, at::kDouble);
      at::Tensor decay = at::zeros({functionals, steps, table.size()}, at::kDouble);
      applied_scores(golden.trained(), functionals_, table, each_sample(samples), options,
                     [&](const StepScores& scores) {
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
      int64_t last = options.end(golden.run());
      sweep.run(functionals_, [&](const StepScores& scores) {
        EXPECT_LT(scores.step, last);
        last = scores.step;
        found.select(1, scores.step)
            .index_add_(1, at::tensor(scores.samples, at::kLong), scores.data);
        decay.select(1, scores.step) += scores.decay;
      });
      EXPECT_EQ(last, options.first);
      const at::Tensor expected = golden.tensor(range ? "origin_range" : "origin").clone();
      expected.narrow(1, 0, options.first).zero_();
      expect_equal_elements(found, expected, relative, "origin");
      if (!range) {
        expect_equal_elements(decay, golden.tensor("origin_decay"), relative, "decay by origin");
      }
    }
  }
}

/// What earlier steps did in the range of the golden, by the formulas, is what momentum did there.
TEST_P(GammaGolden, MomentumIsWhatEarlierStepsDidInTheRange) {
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  const AxisOptions options = golden.options(true);
  at::Tensor found = at::zeros({functionals, table.size()}, at::kDouble);
  AdjointSweep sweep(golden.trained(), table, options);
  sweep.run(functionals_, [&](const StepScores& scores) { found += scores.momentum; });
  const at::Tensor expected =
      golden.tensor("origin_range").narrow(1, 0, options.first).sum(at::IntArrayRef{1, 2});
  const bool coupled = golden.run().description().optimizer != OptimizerKind::adamw;
  int64_t compared = 0;
  for (int64_t tensor = 0; tensor < table.size(); ++tensor) {
    // Coupled decay of earlier steps is in the momentum too, and not in this golden.
    if (coupled && golden.tensor("origin_decay").select(2, tensor).any().item<bool>()) continue;
    const at::Tensor wanted = expected.select(1, tensor);
    EXPECT_LE((found.select(1, tensor) - wanted).abs().max().item<double>(),
              1e-9 * wanted.abs().max().item<double>() + 1e-15);
    if (wanted.abs().max().item<double>() > 1e-6) ++compared;
  }
  EXPECT_GT(compared, coupled ? -1 : 3);
}

/// Of the whole run and of a range, as one sum over the samples and as groups of them.
TEST_P(GammaGolden, AppliedAndOriginIndicesAgreeInTheirSums) {
  Groups groups = each_sample(samples);
  for (const Granularity granularity : {Granularity::head, Granularity::row}) {
    const ComponentTable table(granularity, golden.model().parameters());
    for (const bool range : {false, true}) {
      SummedSteps origin, applied;
      AdjointSweep sweep(golden.trained(), table, golden.options(range));
      sweep.run(functionals_, [&](const StepScores& scores) { origin.add(scores, groups); });
      AxisOptions options = golden.options(range);
      applied_scores(golden.trained(), functionals_, table, groups, options,
                     [&](const StepScores& scores) { applied.add(scores, groups); });
      expect_equal_elements(origin.data, applied.data, relative, "sums over steps");
      for (const auto part : {&SummedSteps::decay, &SummedSteps::momentum}) {
        EXPECT_LE((origin.*part - applied.*part).abs().max().item<double>(),
                  1e-9 * (applied.*part).abs().max().item<double>());
      }
      EXPECT_LE((origin.rounding - applied.rounding).abs().max().item<double>(),
                1e-5 * applied.rounding.abs().max().item<double>());
      EXPECT_EQ((origin.momentum.abs().max().item<double>() > 0), range);
    }
    for (int64_t& place : groups.of_sample) place /= 3;  // groups of three samples
    groups.names.resize(static_cast<size_t>((samples + 2) / 3));
  }
}

/// method.md §2, §5 D: data, decay, momentum and rounding add up to Ψ: in every step by the index
/// applied, in the sum over steps by origin; rounding is below 1e-12 of the step.
TEST_P(GammaGolden, PartsAddUpToPsi) {
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  const Groups groups = each_sample(samples);
  for (const bool range : {false, true}) {
    at::Tensor missing = at::zeros({functionals, table.size()}, at::kDouble);
    double largest = 0;
    applied_scores(golden.trained(), functionals_, table, groups, golden.options(range),
                   [&](const StepScores& scores) {
                     const at::Tensor error = missing_of(scores);
                     const double scale = scores.total.abs().max().item<double>();
                     largest = std::max(largest, scale);
                     EXPECT_LE(error.abs().max().item<double>(), 1e-13 * scale);
                     EXPECT_LT(scores.rounding.abs().max().item<double>(), 1e-12 * scale);
                     EXPECT_GT(scores.rounding.abs().max().item<double>(), 0);
                   });
    EXPECT_GT(largest, 1e-3);
    AdjointSweep sweep(golden.trained(), table, golden.options(range));
    double in_a_step = 0;
    sweep.run(functionals_, [&](const StepScores& scores) {
      missing += missing_of(scores);
      in_a_step = std::max(in_a_step, missing_of(scores).abs().max().item<double>());
    });
    EXPECT_LE(missing.abs().max().item<double>(), 1e-13 * largest);
    EXPECT_GT(in_a_step, 1e-4) << "by origin the steps alone do not add up";
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
