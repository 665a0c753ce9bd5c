// The adjoint sweep against per-sample momentum buffers on runs that this program records: images
// with flips, fp32, stored second moments, a language model with norms and tied matrices.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "core/error.hpp"
#include "datasets/text_windows.hpp"
#include "model/registry.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/applied_scores.hpp"
#include "training_axis/sample_updates.hpp"
#include "training_axis/train_groups.hpp"
#include "unit/first_operations.hpp"
#include "unit/training/small_training.hpp"

namespace explaind::testing {
namespace {

nlohmann::json small_llama_json() {
  return {{"name", "llama"},
          {"config",
           {{"architectures", {"LlamaForCausalLM"}},
            {"hidden_size", 8},
            {"intermediate_size", 6},
            {"num_hidden_layers", 1},
            {"num_attention_heads", 2},
            {"num_key_value_heads", 1},
            {"vocab_size", 11},
            {"max_position_embeddings", 16},
            {"rms_norm_eps", 1e-5},
            {"hidden_act", "silu"},
            {"tie_word_embeddings", true},
            {"attention_bias", true},
            {"rope_theta", 100.0}}}};
}

TrainingData small_text() {
  std::vector<int64_t> tokens;
  for (int64_t i = 0; i < 60; ++i) tokens.push_back((i * i + 3 * i) % 11);
  return text_windows(tokens, 5, 11, 7, 2);
}

/// F: the loss of the first two validation samples, and their sum of all logits' squares' weights.
std::vector<Predictions> predictions_of(const TrainingData& data, at::ScalarType type) {
  std::vector<Predictions> all;
  for (int64_t x = 0; x < 2; ++x) {
    const at::Tensor labels = data.validation.labels.narrow(0, x, 1);
    all.push_back({network_inputs(data.validation, data.transform, {x}, {}, type),
                   {weighted_losses(labels, at::full_like(labels, 0.5, type)),
                    [](const at::Tensor& logits) { return logits.square().mean(); }}});
  }
  return all;
}

struct Case {
  std::string name;
  OptimizerKind kind;
  nlohmann::json model;
  std::function<TrainingData()> data;
  at::ScalarType type = at::kDouble;
  bool flips = false;
};

class EngineD : public ::testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] RecordedRun record_run(bool stored) const {
    RecordedTrainingOptions options = small_options(GetParam().kind);
    options.type = GetParam().type;
    options.flips = GetParam().flips;
    options.keep_second_moments = stored;
    return record(stored ? stored_ : plain_, GetParam().model, data_, options);
  }
  [[nodiscard]] static AxisOptions options() {
    AxisOptions options;
    parse_quadrature("gauss:4", options.quadrature);
    return options;
  }
  /// Σ over steps: F M C and F C.
  using Sums = std::pair<at::Tensor, at::Tensor>;
  [[nodiscard]] Sums sweep(const TrainedModel& trained, const ComponentTable& table,
                           AdjointSweep::Passes* passes = nullptr,
                           const AxisOptions& chosen = options()) const {
    Sums sums = zeros(table);
    AdjointSweep engine(trained, table, chosen);
    engine.run(FunctionalSums::each(predictions_), [&](const StepScores& scores) {
      sums.first.index_add_(1, at::tensor(scores.samples, at::kLong), scores.data);
      sums.second += scores.decay;
    });
    if (passes != nullptr) *passes = engine.passes();
    return sums;
  }
  [[nodiscard]] Sums zeros(const ComponentTable& table) const {
    return {at::zeros({4, data_.train.size(), table.size()}, at::kDouble),
            at::zeros({4, table.size()}, at::kDouble)};
  }

  TrainingData data_ = GetParam().data();
  std::unique_ptr<Model> model_ = build_model(GetParam().model, "test");
  std::vector<Predictions> predictions_ = predictions_of(data_, GetParam().type);
  TemporaryFolder plain_, stored_;
};

TEST_P(EngineD, EqualsPerSampleMomentumBuffers) {
  const RecordedRun run = record_run(false);
  const TrainedModel trained{*model_, run, data_};
  const double allowed = GetParam().type == at::kDouble ? 1e-12 : 2e-5;
  for (const Granularity granularity :
       {Granularity::kind, Granularity::tensor, Granularity::head, Granularity::row}) {
    const ComponentTable table(granularity, model_->parameters());
    const auto [origin, decay] = sweep(trained, table);
    auto [applied, applied_decay] = zeros(table);
    AxisOptions blocks = options();
    if (granularity == Granularity::kind) {  // several blocks of parameters
      blocks.memory = 60'000 + run.steps() * 4 * data_.train.size() * table.size() * 8;
    }
    applied_scores(trained, FunctionalSums::each(predictions_), table,
                   each_sample(data_.train.size()), blocks, [&](const StepScores& scores) {
                     applied += scores.data;
                     applied_decay += scores.decay;
                   });
    const double scale = applied.abs().max().item<double>();
    EXPECT_GT(scale, 1e-5);
    EXPECT_LT((origin - applied).abs().max().item<double>(), allowed * scale)
        << to_string(granularity);
    EXPECT_LT((decay - applied_decay).abs().max().item<double>(), allowed * scale);
  }
}

/// With nodes that the adaptive rule chooses for every functional and step, kinks among them.
TEST_P(EngineD, SumsToTheChangeOfF) {
  const bool fp64 = GetParam().type == at::kDouble;
  const RecordedRun run = record_run(false);
  const ComponentTable table(Granularity::tensor, model_->parameters());
  AxisOptions adaptive;
  adaptive.quadrature.relative = 5e-4;
  adaptive.quadrature.absolute = fp64 ? 1e-6 : 1e-5;
  if (!fp64) adaptive.quadrature.epsilon = 1.2e-7;
  const auto [data, decay] = sweep({*model_, run, data_}, table, nullptr, adaptive);
  const Segment whole{.from = weights_at(run, 0), .to = weights_at(run, run.steps())};
  const auto ends = integrate_predictions(*model_, whole, predictions_, options().quadrature);
  for (int64_t f = 0; f < 4; ++f) {
    const SampleVerdict& verdict = ends[static_cast<size_t>(f)].verdict;
    const double change = verdict.value_to - verdict.value_from;
    const double sum = (data[f].sum() + decay[f].sum()).item<double>();
    EXPECT_GT(std::abs(change), 1e-3);
    EXPECT_NEAR(sum, change, 5e-4) << "functional " << f;
  }
}

/// Rows are sums of functionals, for the cost of rows: all scores are linear in F.
TEST_P(EngineD, RowsAreWeightedSumsOfFunctionals) {
  const RecordedRun run = record_run(false);
  const TrainedModel trained{*model_, run, data_};
  const ComponentTable table(Granularity::tensor, model_->parameters());
  FunctionalSums sums = FunctionalSums::each(predictions_);
  const at::Tensor weights = at::tensor({0.5, 0.0, 0.0, 2.0, 0.0, 0.25, 1.0, 0.0}, at::kDouble);
  const at::Tensor by_row = weights.view({4, 2}).t();  // R F
  sums.places = {{0, 0.5}, {1, 2.0}, {1, 0.25}, {0, 1.0}};
  sums.rows = 2;
  sums.at_once = 1;
  const double allowed = GetParam().type == at::kDouble ? 1e-12 : 2e-5;
  std::vector<StepScores> alone, together;
  AdjointSweep engine(trained, table, options());
  engine.run(FunctionalSums::each(predictions_),
             [&](const StepScores& scores) { alone.push_back(scores); });
  engine.run(sums, [&](const StepScores& scores) { together.push_back(scores); });
  ASSERT_EQ(alone.size(), together.size());
  const auto expect_sum = [&](const at::Tensor& found, const at::Tensor& each, const char* what) {
    const at::Tensor expected = by_row.matmul(each.flatten(1)).view_as(found);
    EXPECT_LE((found - expected).abs().max().item<double>(),
              allowed * expected.abs().max().item<double>() + 1e-15)
        << what;
  };
  for (size_t i = 0; i < alone.size(); ++i) {
    expect_sum(together[i].data, alone[i].data, "data");
    expect_sum(together[i].total, alone[i].total, "total");
    expect_sum(together[i].decay, alone[i].decay, "decay");
    expect_sum(together[i].rounding, alone[i].rounding, "rounding");
    EXPECT_EQ(together[i].sums, alone[i].sums) << "certificates stay those of the functionals";
    ASSERT_EQ(together[i].verdicts.size(), 4U);
  }
}

/// Of runs with clipping, ragged batches and two groups: what training rounded is the rounding of
/// its type beside the step, and without it the parts do not add up.
TEST_P(EngineD, RoundingIsThatOfTheRunsOwnType) {
  const RecordedRun run = record_run(false);
  const ComponentTable table(Granularity::tensor, model_->parameters());
  const double of_step = GetParam().type == at::kDouble ? 1e-12 : 1e-6;
  double largest = 0, beside = 0, seen = 0;
  applied_scores({*model_, run, data_}, FunctionalSums::each(predictions_), table,
                 each_sample(data_.train.size()), options(), [&](const StepScores& scores) {
                   const at::Tensor sum = scores.data.sum(1) + scores.decay + scores.momentum;
                   const at::Tensor error = scores.total - sum - scores.rounding;
                   // Beside what was added up: a step's change of F may cancel.
                   const at::Tensor gross = scores.data.abs().sum(1) + scores.decay.abs();
                   const double scale = gross.max().item<double>();
                   EXPECT_LE(error.abs().max().item<double>(), of_step * scale);
                   largest = std::max(largest, scale);
                   seen = std::max(seen, scores.rounding.abs().max().item<double>());
                   beside = std::max(beside, scores.rounding.abs().max().item<double>() / scale);
                 });
  EXPECT_GT(largest, 1e-4);
  EXPECT_GT(seen, 0);
  EXPECT_LT(beside, of_step);
}

TEST_P(EngineD, StoredSecondMomentsGiveTheSameScores) {
  if (GetParam().kind == OptimizerKind::sgd) GTEST_SKIP() << "SGD has none";
  const ComponentTable table(Granularity::tensor, model_->parameters());
  const RecordedRun replayed = record_run(false), stored = record_run(true);
  AdjointSweep::Passes with_replay, without;
  const Sums expected = sweep({*model_, replayed, data_}, table, &with_replay);
  const Sums found = sweep({*model_, stored, data_}, table, &without);
  EXPECT_EQ(without.rules, replayed.steps()) << "momentum is replayed all the same";
  EXPECT_EQ(with_replay.rules, replayed.steps());
  const double allowed = GetParam().type == at::kDouble ? 1e-12 : 2e-5;
  EXPECT_LT((found.first - expected.first).abs().max().item<double>(),
            allowed * expected.first.abs().max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(
    Runs, EngineD,
    ::testing::Values(
        Case{"adamw_transformer", OptimizerKind::adamw, small_transformer_json(), small_sums},
        Case{"adamw_fp32", OptimizerKind::adamw, small_transformer_json(), small_sums, at::kFloat},
        Case{"adam_flips", OptimizerKind::adam, small_cnn_json(), small_images, at::kDouble, true},
        Case{"sgd_flips", OptimizerKind::sgd, small_cnn_json(), small_images, at::kDouble, true},
        Case{"adamw_llama", OptimizerKind::adamw, small_llama_json(), small_text}),
    [](const auto& each) { return each.param.name; });

/// Chains that begin with operations of each kind, by all three optimizers.
std::vector<Case> chains() {
  constexpr OptimizerKind kinds[]{OptimizerKind::adamw, OptimizerKind::adam, OptimizerKind::sgd};
  const std::set<std::string> of_each_kind{"linear",     "linear_alone", "flatten",
                                           "tanh",       "leaky_relu",   "conv2d_with_bias",
                                           "max_pool2d", "avg_pool2d",   "mean_over_image"};
  std::vector<Case> cases;
  for (const FirstOperation& chain : first_operations()) {
    if (of_each_kind.count(chain.name) == 0) continue;
    const auto data = [chain] {
      return TrainingData{.train = numbers_for(chain, 11, 3),
                          .validation = numbers_for(chain, 2, 4),
                          .classes = 3,
                          .transform = {},
                          .description = {}};
    };
    cases.push_back({chain.name, kinds[cases.size() % 3], chain.model, data});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(FirstOperations, EngineD, ::testing::ValuesIn(chains()),
                         [](const auto& each) { return each.param.name; });

TEST(UpdateRulesOf, StretchesFitTheMemoryThatTheyAreGiven) {
  EXPECT_EQ(stretch_of(100, 1000, int64_t{1} << 40), 100);
  EXPECT_EQ(stretch_of(100, 1000, 100 * 1000 * 12), 100) << "fp64 scale and fp32 rounding";
  EXPECT_EQ(stretch_of(100, 1000, 100 * 1000 * 12 - 1), 50);
  EXPECT_EQ(stretch_of(100, 1000, 1), 19) << "⌈√(100 · 40/12)⌉: the least memory";
  EXPECT_EQ(least_rule_bytes(100, 1000), (19 * 12 + 5 * 40) * 1000);
  EXPECT_EQ(stretch_of(1, 1000, 1), 1);
  for (const int64_t steps : {7, 100, 1940}) {
    for (int64_t memory = 1; memory < 100'000; memory += 777) {
      const int64_t stretch = stretch_of(steps, 3, memory);
      EXPECT_GE(stretch, 1);
      EXPECT_LE(stretch, steps);
    }
  }
}

TEST(ParameterBlocks, AreWholeRowsOfEveryParameterAndFitTheMemory) {
  const auto model = build_model(small_cnn_json(), "test");
  EXPECT_EQ(element_bytes(10, 10, 8), 10 * 32) << "buffer, update, product and gradient";
  EXPECT_EQ(element_bytes(3, 100, 4), 8 * 3 + 12 * 100) << "gradients of a batch, in both types";
  const int64_t of_element = element_bytes(11, 5, 8);
  constexpr int64_t piece = 20;
  std::vector<ParameterRows> pieces;  // the same whatever the memory
  for (const int64_t memory : {int64_t{1}, 50 * of_element, 200 * of_element, int64_t{1} << 30}) {
    std::vector<int64_t> rows(model->parameters().size(), 0);
    const auto blocks = parameter_blocks(*model, of_element, memory, piece);
    std::vector<ParameterRows> in_order;
    for (const auto& block : blocks) in_order.insert(in_order.end(), block.begin(), block.end());
    if (pieces.empty()) pieces = in_order;
    EXPECT_EQ(in_order, pieces);
    EXPECT_GT(pieces.size(), model->parameters().size());
    for (const auto& block : blocks) {
      int64_t elements = 0;
      for (const ParameterRows& part : block) {
        const std::vector<int64_t>& shape =
            model->parameters()[static_cast<size_t>(part.parameter)].shape;
        int64_t width = 1;
        for (size_t axis = 1; axis < shape.size(); ++axis) width *= shape[axis];
        EXPECT_EQ(part.first, rows[static_cast<size_t>(part.parameter)]);
        rows[static_cast<size_t>(part.parameter)] += part.count;
        elements += part.count * width;
      }
      EXPECT_LE(elements, std::max(memory / of_element, largest_piece(*model, piece)));
    }
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], model->parameters()[i].shape[0]);
    EXPECT_EQ(blocks.size() == 1, memory / of_element >= parameter_count(*model));
  }
}

TEST(AxisOptionsOf, StepsOutsideTheRunAreRefused) {
  const TemporaryFolder folder;
  const RecordedRun run =
      record(folder, small_cnn_json(), small_images(), small_options(OptimizerKind::sgd));
  AxisOptions options;
  EXPECT_EQ(options.end(run), 12);
  options.last = 13;
  EXPECT_THAT([&] { static_cast<void>(options.end(run)); },
              ::testing::ThrowsMessage<UsageError>(::testing::HasSubstr("a run of 12")));
  options.first = 5;
  options.last = 5;
  EXPECT_THROW(static_cast<void>(options.end(run)), UsageError);
}

}  // namespace
}  // namespace explaind::testing
