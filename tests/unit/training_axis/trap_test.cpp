// The known defects of other implementations, each by its name: a test that fails where the code
// has it. Every one first shows that the run at hand would tell.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "checkpoint/json_file.hpp"
#include "model/plain_ops.hpp"
#include "training/batch_pass.hpp"
#include "training/recorded_training.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/sample_updates.hpp"
#include "training_axis/train_groups.hpp"
#include "unit/training/small_training.hpp"
#include "unit/training_axis/golden_run.hpp"

namespace explaind::testing {
namespace {

/// Origin scores of a run, F S M C, and of decay and momentum, F S C.
struct Swept {
  at::Tensor data, decay, momentum;
};
Swept sweep(const TrainedModel& trained, const std::vector<Predictions>& predictions,
            const ComponentTable& table, const AxisOptions& options) {
  const int64_t count = functional_count(predictions), steps = trained.run.steps();
  const int64_t samples = trained.run.description().samples;
  Swept swept{at::zeros({count, steps, samples, table.size()}, at::kDouble),
              at::zeros({count, steps, table.size()}, at::kDouble),
              at::zeros({count, steps, table.size()}, at::kDouble)};
  AdjointSweep sweep(trained, table, options);
  sweep.run(FunctionalSums::each(predictions), [&](const StepScores& scores) {
    swept.data.select(1, scores.step)
        .index_add_(1, at::tensor(scores.samples, at::kLong), scores.data);
    swept.decay.select(1, scores.step) += scores.decay;
    swept.momentum.select(1, scores.step) += scores.momentum;
  });
  return swept;
}

Swept sweep(const GoldenRun& golden, AxisOptions options) {
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  return sweep(golden.trained(), golden.predictions(), table, options);
}

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

/// The updates of all parameters together: Δ_s(k) as M D, the decay's part as D.
void each_update(const TrainedModel& trained,
                 const std::function<void(int64_t, const at::Tensor&, const at::Tensor&)>& keep) {
  const int64_t samples = trained.run.description().samples;
  const auto blocks =
      parameter_blocks(trained.model, element_bytes(samples, samples, 8), int64_t{1} << 30);
  ASSERT_EQ(blocks.size(), 1U);
  const Groups alone = each_sample(samples);
  const SampleUpdates updates(trained, alone);
  updates.run(blocks[0], trained.run.steps(), [&](const BlockUpdate& update) {
    std::vector<at::Tensor> data, decay;
    for (size_t i = 0; i < update.data.size(); ++i) {
      data.push_back(update.data[i].flatten(1));
      decay.push_back(update.parts[i].decay.flatten());
    }
    keep(update.step, at::cat(data, 1), at::cat(decay));
  });
}

TEST(Traps, ShuffledFullBatchesDoNotPermuteTheTrainingAxis) {
  const GoldenRun golden("adamw_full_batch");
  std::set<std::vector<int64_t>> orders;
  for (int64_t s = 0; s < golden.run().steps(); ++s) {
    orders.insert(golden.run().batch(s).samples);
    EXPECT_EQ(golden.run().batch(s).samples.size(), 6U);
  }
  ASSERT_GT(orders.size(), 8U) << "the batches are not shuffled";
  const at::Tensor expected = golden.tensor("origin");
  const at::Tensor permuted =
      expected.index_select(2, at::tensor(golden.run().batch(3).samples, at::kLong));
  EXPECT_GT(largest(expected - permuted), 0.1 * largest(expected));
  EXPECT_LT(largest(expected.sum(2) - permuted.sum(2)), 1e-14) << "sums do not tell";
  expect_equal_elements(sweep(golden, golden.options()).data, expected, 1e-9, "origin");
  each_update(golden.trained(), [&](int64_t step, const at::Tensor& data, const at::Tensor&) {
    expect_equal_elements(data, golden.tensor("update")[step], 1e-9, "applied");
  });
}

TEST(Traps, RaggedBatchesAreDividedByTheirOwnSize) {
  for (const char* name : {"adamw", "adam", "sgd", "nesterov"}) {
    const GoldenRun golden(name);
    std::set<size_t> sizes;
    for (int64_t s = 0; s < 12; ++s) sizes.insert(golden.run().batch(s).samples.size());
    ASSERT_EQ(sizes.size(), 2U) << "the batches are not ragged";
    expect_equal_elements(sweep(golden, golden.options()).data, golden.tensor("origin"), 1e-9,
                          name);
    each_update(golden.trained(), [&](int64_t s, const at::Tensor& data, const at::Tensor& decay) {
      const Segment segment = golden.segment(s);
      std::vector<at::Tensor> delta;
      for (size_t i = 0; i < segment.to.size(); ++i) {
        delta.push_back((segment.to[i] - segment.from[i]).flatten());
      }
      EXPECT_LT(largest(data.sum(0) + decay - at::cat(delta)), 1e-14) << name << " step " << s;
    });
  }
}

TEST(Traps, TheLearningRateEntersTheDecayOnce) {
  const GoldenRun golden("adamw");
  const Swept swept = sweep(golden, golden.options());
  const at::Tensor g = golden.tensor("gradient");
  double seen = 0;
  for (int64_t s = 0; s < golden.run().steps(); ++s) {
    for (size_t i = 0; i < golden.model().parameters().size(); ++i) {
      const auto group = static_cast<size_t>(golden.run().description().parameters[i].group);
      const Hyperparameters h = golden.run().hyperparameters(s, group);
      const double factor = golden.run().stepped(s, i) ? -h.learning_rate * h.weight_decay : 0.0;
      const at::Tensor weight = golden.segment(s).from[i].flatten();
      for (int64_t f = 0; f < g.size(0); ++f) {
        const at::Tensor of_tensor = g[f][s].narrow(0, golden.offset(i), weight.numel());
        const double expected = factor * (weight * of_tensor).sum().item<double>();
        EXPECT_NEAR(swept.decay[f][s][static_cast<int64_t>(i)].item<double>(), expected, 1e-14);
        seen = std::max(seen, std::abs(expected));
      }
    }
  }
  EXPECT_GT(seen, 1e-3);
}

TEST(Traps, EveryParameterIsNormalised) {
  for (const char* name : {"adamw", "adamw_full_batch", "adam"}) {
    const GoldenRun golden(name);
    each_update(golden.trained(), [&](int64_t s, const at::Tensor& data, const at::Tensor& decay) {
      const Segment segment = golden.segment(s);
      for (size_t i = 0; i < segment.to.size(); ++i) {
        const at::Tensor delta = (segment.to[i] - segment.from[i]).flatten();
        const at::Tensor rebuilt = (data.sum(0) + decay).narrow(0, golden.offset(i), delta.numel());
        EXPECT_LE(largest(rebuilt - delta), 1e-12 * largest(delta))
            << name << " step " << s << " " << golden.model().parameters()[i].name;
      }
    });
    const at::Tensor found = sweep(golden, golden.options()).data;
    const at::Tensor expected = golden.tensor("origin");
    for (int64_t i = 0; i < expected.size(3); ++i) {
      if (largest(expected.select(3, i)) == 0) continue;  // a table that nothing uses
      expect_equal_elements(found.select(3, i), expected.select(3, i), 1e-9,
                            golden.model().parameters()[static_cast<size_t>(i)].name);
    }
  }
}

TEST(Traps, NothingIsResetWhereFilesOrStretchesEnd) {
  const GoldenRun golden("adamw");
  ASSERT_EQ(golden.run().blocks(), 3U);  // steps 0–4, 5–9, 10–11
  AxisOptions options = golden.options();
  const Swept swept = sweep(golden, options);
  expect_equal_elements(swept.data, golden.tensor("origin"), 1e-9, "origin");
  options.last = 10;
  const Swept shorter = sweep(golden, options);
  for (const int64_t memory : {int64_t{1}, int64_t{11'000}}) {  // stretches of 6 and 4, 5 and 5
    options.memory = memory;
    EXPECT_TRUE(at::equal(sweep(golden, options).data, shorter.data)) << memory << " bytes";
  }
  ASSERT_EQ(stretch_of(10, 103, 1), 6);
  ASSERT_EQ(stretch_of(10, 103, 13'000), 10);
  ASSERT_EQ(stretch_of(10, 103, 11'000), 5);
  // What the first file left in the momentum acts in the second one.
  options = golden.options();
  options.first = 5;
  options.last = 10;
  EXPECT_GT(largest(sweep(golden, options).momentum.select(1, 5)), 1e-3);
  EXPECT_EQ(largest(swept.momentum), 0);
}

/// The last step of plain SGD reaches nothing but its own update, where everything can be written
/// out: −α G · γ ∇ℓ / |B|.
TEST(Traps, TheClipFactorIsTheRecordedOne) {
  const GoldenRun golden("sgd");
  std::set<double> clips;
  for (int64_t s = 0; s < 12; ++s) clips.insert(golden.run().clip(s));
  ASSERT_LT(*clips.begin(), 0.7);
  ASSERT_EQ(*clips.rbegin(), 1.0);
  for (int64_t s = 1; s < 12; ++s) {  // at step 0 buffers are created and nothing is dampened
    AxisOptions options = golden.options();
    options.first = s;
    options.last = s + 1;
    const at::Tensor scores = sweep(golden, options).data.select(1, s);
    const RunBatch batch = golden.run().batch(s);
    const std::vector<at::Tensor> weights = golden.segment(s).from;
    for (const int64_t k : batch.samples) {
      std::vector<at::Tensor> leaves;
      for (const at::Tensor& weight : weights) leaves.push_back(weight.clone().requires_grad_());
      PlainOps ops(leaves);
      const TrainingData& data = golden.trained().data;
      batch_pass(golden.model(), data.train, data.transform, {{k}, {}}, at::kDouble, ops)
          .loss.backward();
      for (size_t i = 0; i < leaves.size(); ++i) {
        const auto group = static_cast<size_t>(golden.run().description().parameters[i].group);
        const Hyperparameters h = golden.run().hyperparameters(s, group);
        const bool created = s == 1 && golden.model().parameters()[i].name == "linear1.weight";
        const double kept = created ? 1 : 1 - h.dampening;
        const double factor = golden.run().stepped(s, i)
                                  ? -h.learning_rate * kept * golden.run().clip(s) /
                                        static_cast<double>(batch.samples.size())
                                  : 0.0;
        const at::Tensor g =
            golden.tensor("gradient")[0][s].narrow(0, golden.offset(i), leaves[i].numel());
        const double expected = factor * (g * leaves[i].grad().flatten()).sum().item<double>();
        EXPECT_NEAR(scores[0][k][static_cast<int64_t>(i)].item<double>(), expected, 1e-13)
            << "step " << s << " " << golden.model().parameters()[i].name;
      }
    }
  }
}

TEST(Traps, EpsilonIsTheOptimizersOwn) {
  const GoldenRun golden("adamw");
  const at::Tensor expected = golden.tensor("origin");
  expect_equal_elements(sweep(golden, golden.options()).data, expected, 1e-9, "origin");
  // The same run, said to have had the usual ε.
  const TemporaryFolder folder;
  const std::filesystem::path copy = folder.path() / "run";
  std::filesystem::copy(golden.run().directory(), copy, std::filesystem::copy_options::recursive);
  nlohmann::json json = read_json_object(copy / "run.json");
  for (nlohmann::json& group : json["optimizer"]["groups"]) group["epsilon"] = 1e-8;
  std::ofstream(copy / "run.json") << json;
  const RecordedRun other = RecordedRun::open(copy);
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  const at::Tensor wrong = sweep({golden.model(), other, golden.trained().data},
                                 golden.predictions(), table, golden.options())
                               .data;
  EXPECT_GT(largest(wrong - expected), 0.01 * largest(expected)) << "ε does not matter here";
}

TEST(Traps, GroupsWithEqualPrefixesStayApart) {
  std::vector<Sample> named(7);
  const char* names[] = {"x_1", "x_0", "x_10", "x", "x_1", "x_0", "x_"};
  for (size_t i = 0; i < named.size(); ++i) named[i].group = names[i];
  const Groups groups = group_samples(named);
  ASSERT_EQ(groups.names, (std::vector<std::string>{"x_1", "x_0", "x_10", "x", "x_"}));
  const GoldenRun golden("adamw");
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  const at::Tensor by_sample = sweep(golden, golden.options()).data.sum(1);  // F M C
  at::Tensor by_group = at::zeros({by_sample.size(0), 5, table.size()}, at::kDouble);
  AdjointSweep(golden.trained(), table, golden.options())
      .run(FunctionalSums::each(golden.predictions()), [&](const StepScores& scores) {
        by_group += sum_groups(scores.data, scores.samples, groups);
      });
  const std::vector<std::vector<int64_t>> members{{0, 4}, {1, 5}, {2}, {3}, {6}};
  for (size_t g = 0; g < members.size(); ++g) {
    const at::Tensor expected = by_sample.index_select(1, at::tensor(members[g], at::kLong)).sum(1);
    expect_equal_elements(by_group.select(1, static_cast<int64_t>(g)), expected, 1e-12,
                          groups.names[g]);
  }
  // Not divided by how many groups there are.
  expect_equal_elements(by_group.sum(1), by_sample.sum(1), 1e-12, "all groups");
}

TEST(Traps, LaterFunctionalsStartAtZeroAgain) {
  const GoldenRun golden("adamw_full_batch");
  const ComponentTable table(Granularity::tensor, golden.model().parameters());
  const Swept together = sweep(golden, golden.options());
  int64_t f = 0;
  for (const Predictions& each : golden.predictions()) {
    for (const OutputFunctional& functional : each.functionals) {
      const Swept alone =
          sweep(golden.trained(), {{each.inputs, {functional}}}, table, golden.options());
      EXPECT_LT(largest(alone.data[0] - together.data[f]), 1e-14) << "functional " << f;
      EXPECT_LT(largest(alone.decay[0] - together.decay[f]), 1e-14);
      ++f;
    }
  }
  EXPECT_EQ(f, together.data.size(0));
}

}  // namespace
}  // namespace explaind::testing
