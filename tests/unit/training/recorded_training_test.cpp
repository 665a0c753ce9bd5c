// A recorded run holds what its training did: its gradients are those of its batches at its
// weights, its updates follow from them by the closed forms of method.md §2, and a training that
// was interrupted anywhere and resumed leaves the same bytes.

#include "training/recorded_training.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>

#include "core/error.hpp"
#include "model/plain_ops.hpp"
#include "model/registry.hpp"
#include "runs/recorded_run.hpp"
#include "unit/training/small_training.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

const nlohmann::json transformer = testing::small_transformer_json();
const nlohmann::json network = testing::small_cnn_json();

/// 22 samples in batches of 5: the last of an epoch has 2. Blocks of three to five steps.
RecordedTrainingOptions options_of(OptimizerKind kind) {
  RecordedTrainingOptions options = testing::small_options(kind);
  options.keep_gradients = true;
  options.keep_second_moments = kind != OptimizerKind::sgd;
  return options;
}

class RecordedTrainingTest : public ::testing::TestWithParam<std::string> {
 protected:
  /// Trains anew; stops as a crash does after so many steps (0: never).
  static void train(const fs::path& folder, const RecordedTrainingOptions& options, bool resume,
                    int64_t crash_after = 0) {
    const auto model = build_model(transformer, "test");
    RecordedTraining training(*model, testing::small_sums(), options, {{"model", transformer}});
    training.run(folder, resume, StopFlag(), [&](int64_t done, double) {
      if (done == crash_after) throw std::runtime_error("crash");
    });
  }

  testing::TemporaryFolder folder_;
};

at::Tensor stored_tensor(const TensorView& view) {
  at::Tensor tensor = at::empty(view.shape, at::kDouble);
  std::memcpy(tensor.data_ptr(), view.data, view.bytes);
  return tensor;
}

/// (1/|B_s|) Σ_k of the gradients of single samples at θ_s.
std::vector<at::Tensor> mean_gradients(const RecordedRun& run, const Model& model,
                                       const TrainingData& data, int64_t step) {
  std::vector<at::Tensor> weights;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    weights.push_back(stored_tensor(run.parameter(step, i)).requires_grad_(true));
  }
  const RunBatch batch = run.batch(step);
  for (size_t k = 0; k < batch.samples.size(); ++k) {
    PlainOps ops(weights);
    const std::vector<uint8_t> flip =
        batch.flips.empty() ? std::vector<uint8_t>{} : std::vector<uint8_t>{batch.flips[k]};
    const at::Tensor logits = model.forward(
        network_inputs(data.train, data.transform, {batch.samples[k]}, flip, at::kDouble), ops);
    const at::Tensor label = data.train.labels.narrow(0, batch.samples[k], 1);
    at::cross_entropy_loss(logits, label).backward();  // adds to the gradients
  }
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& weight : weights) {
    gradients.push_back(weight.grad().defined()
                            ? weight.grad() / static_cast<double>(batch.samples.size())
                            : at::Tensor());
  }
  return gradients;
}

void expect_gradients(const RecordedRun& run, const Model& model, const TrainingData& data) {
  for (int64_t s = 0; s < run.steps(); ++s) {
    const std::vector<at::Tensor> expected = mean_gradients(run, model, data, s);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(run.stepped(s, i), expected[i].defined()) << model.parameters()[i].name;
      if (!expected[i].defined()) continue;
      const at::Tensor difference = stored_tensor(run.gradient(s, i)) - expected[i];
      EXPECT_LT(difference.abs().max().item<double>(), 1e-14) << "step " << s << " tensor " << i;
    }
  }
}

/// θ_{s+1} from θ_0 … θ_s and the recorded gradients, by the sums of method.md §2.
at::Tensor closed_form(const RecordedRun& run, int64_t s, size_t p) {
  const auto group = static_cast<size_t>(run.description().parameters[p].group);
  const Hyperparameters h = run.hyperparameters(s, group);
  const OptimizerKind kind = run.description().optimizer;
  const bool coupled = kind != OptimizerKind::adamw;
  const at::Tensor now = stored_tensor(run.parameter(s, p));
  at::Tensor first = at::zeros_like(now), second = at::zeros_like(now);
  for (int64_t r = 0; r <= s; ++r) {
    at::Tensor g = run.clip(r) * stored_tensor(run.gradient(r, p));
    if (coupled) g = g + h.weight_decay * stored_tensor(run.parameter(r, p));
    const auto age = static_cast<double>(s - r);
    if (kind == OptimizerKind::sgd) {
      first += std::pow(h.momentum, age) * (r == 0 ? 1 : 1 - h.dampening) * g;
    } else {
      first += (1 - h.beta1) * std::pow(h.beta1, age) * g;
      second += (1 - h.beta2) * std::pow(h.beta2, age) * g * g;
    }
  }
  if (kind == OptimizerKind::sgd) return now - h.learning_rate * first;
  const auto count = static_cast<double>(run.update_count(s, p));
  EXPECT_LT((stored_tensor(run.second_moment(s, p)) - second).abs().max().item<double>(), 1e-14);
  const at::Tensor root = (second / (1 - std::pow(h.beta2, count))).sqrt() + h.epsilon;
  const at::Tensor decay = coupled ? at::zeros_like(now) : h.weight_decay * now;
  return now - h.learning_rate * (decay + first / (1 - std::pow(h.beta1, count)) / root);
}

TEST_P(RecordedTrainingTest, UpdatesFollowFromItsGradients) {
  train(folder_.path(), options_of(parse_optimizer(GetParam(), "test")), false);
  const RecordedRun run = RecordedRun::open(folder_.path());
  ASSERT_EQ(run.steps(), 12);
  EXPECT_GT(run.blocks(), 2U);
  EXPECT_EQ(run.batch(4).samples.size(), 2U);
  const auto model = build_model(run.description().json["model"], "run.json");
  expect_gradients(run, *model, testing::small_sums());
  int64_t clipped = 0;
  for (int64_t s = 0; s < run.steps(); ++s) {
    clipped += run.clip(s) < 1 ? 1 : 0;
    for (size_t p = 0; p < run.description().parameters.size(); ++p) {
      const at::Tensor after = stored_tensor(run.parameter(s + 1, p));
      if (!run.stepped(s, p)) {
        EXPECT_TRUE(at::equal(after, stored_tensor(run.parameter(s, p))));
        continue;
      }
      EXPECT_LT((after - closed_form(run, s, p)).abs().max().item<double>(), 1e-13)
          << "step " << s << " tensor " << p;
    }
  }
  EXPECT_GT(clipped, 2);
}

std::map<std::string, std::string> bytes_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[fs::relative(entry.path(), folder).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

TEST_P(RecordedTrainingTest, InterruptedAnywhereAndResumedItLeavesTheSameBytes) {
  const RecordedTrainingOptions options = options_of(parse_optimizer(GetParam(), "test"));
  train(folder_ / "whole", options, false);
  const auto whole = bytes_of(folder_ / "whole");
  for (int64_t crash = 1; crash <= 12; ++crash) {
    const fs::path folder = folder_ / std::to_string(crash);
    EXPECT_THROW(train(folder, options, false, crash), std::runtime_error);
    EXPECT_THROW(RecordedRun::open(folder), DataError);
    train(folder, options, true);
    EXPECT_TRUE(bytes_of(folder) == whole) << "interrupted after step " << crash;
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, RecordedTrainingTest,
                         ::testing::Values("adamw", "adam", "sgd"),
                         [](const auto& test) { return test.param; });

TEST_F(RecordedTrainingTest, ImagesAreRecordedWithTheirFlips) {
  const auto model = build_model(network, "test");
  const TrainingData data = testing::small_images();
  RecordedTrainingOptions options = options_of(OptimizerKind::sgd);
  options.flips = true;
  RecordedTraining training(*model, data, options, {{"model", network}});
  training.run(folder_.path(), false, StopFlag(), [](int64_t, double) {});
  const RecordedRun run = RecordedRun::open(folder_.path());
  expect_gradients(run, *model, data);
}

TEST_F(RecordedTrainingTest, EndsAfterTheEpochThatReachesTheAccuracy) {
  const auto model = build_model(network, "test");
  const TrainingData data =
      testing::small_images();  // 11 samples, 3 steps an epoch; 4 are also validated
  RecordedTrainingOptions options = options_of(OptimizerKind::adamw);
  options.steps = 1000;
  options.schedule = {.shape = Schedule::Shape::constant, .peak = 0.02, .steps = 1000};
  options.hyperparameters.weight_decay = 0;
  options.stop_accuracy = 0.7;
  const auto train_images = [&](const fs::path& folder, bool resume, int64_t crash_after) {
    RecordedTraining training(*model, data, options, {{"model", network}});
    training.run(folder, resume, StopFlag(), [&](int64_t done, double) {
      if (done == crash_after) throw std::runtime_error("crash");
    });
  };
  train_images(folder_ / "whole", false, 0);
  const RecordedRun run = RecordedRun::open(folder_ / "whole");
  EXPECT_EQ(run.steps() % 3, 0);
  EXPECT_GT(run.steps(), 3);
  EXPECT_LT(run.steps(), 1000);
  EXPECT_GE(run.ending()["validation"]["accuracy"].get<double>(), 0.7);
  // Interrupted after its last step, it does not go on beyond it.
  EXPECT_THROW(train_images(folder_ / "again", false, run.steps()), std::runtime_error);
  train_images(folder_ / "again", true, 0);
  EXPECT_TRUE(bytes_of(folder_ / "again") == bytes_of(folder_ / "whole"));
}

}  // namespace
}  // namespace explaind
