// The replayed optimizer against the sums of method.md §2, written out over origin steps and single
// training samples, for every optimizer.

#include "training/replay.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>

#include "core/error.hpp"
#include "model/plain_ops.hpp"
#include "model/registry.hpp"
#include "training/batch_pass.hpp"
#include "training/run_data.hpp"
#include "training/run_gradients.hpp"
#include "training/tensor_of.hpp"
#include "unit/training/small_training.hpp"

namespace explaind {
namespace {

using testing::TemporaryFolder;

using Case = testing::TrainingCase;

std::vector<Case> cases() {
  using Options = RecordedTrainingOptions;
  return {
      {"adamw_two_groups_clipped", OptimizerKind::adamw},
      {"adamw_stored", OptimizerKind::adamw, false, true},
      {"adam_l2", OptimizerKind::adam},
      {"sgd_momentum_dampening", OptimizerKind::sgd},
      {"sgd_nesterov", OptimizerKind::sgd, false, false, testing::nesterov},
      {"sgd_plain", OptimizerKind::sgd, false, false,
       [](Options& o) {
         o.hyperparameters.momentum = 0;
         o.hyperparameters.dampening = 0;
       }},
      {"images_with_flips", OptimizerKind::adam, true, false, [](Options& o) { o.flips = true; }},
  };
}

class ReplayTest : public ::testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] RecordedRun record(at::ScalarType type, bool large_steps = false) const {
    return testing::record(folder_, GetParam(), [&](RecordedTrainingOptions& options) {
      if (large_steps) {
        const double rate = GetParam().kind == OptimizerKind::sgd ? 0.5 : 0.05;
        options.schedule = {.shape = Schedule::Shape::constant, .peak = rate, .steps = 12};
      }
      options.type = type;
      options.keep_gradients = options.keep_second_moments = GetParam().stored;
    });
  }
  TemporaryFolder folder_;
};

/// What samples and weights of one run put into the sums.
class Sums {
 public:
  Sums(const RecordedRun& run, const Model& model, const TrainingData& data)
      : run_(run), model_(model), data_(data) {}

  /// Data part of Δ_s: −Σ_{r ≤ s} Σ_{k ∈ B_r} c(s,r) γ_r/|B_r| scale_s ⊙ ∂ℓ(x_k; θ_r).
  at::Tensor data_part(int64_t s, size_t p) {
    at::Tensor sum = at::zeros_like(weight(s, p));
    for (int64_t r = 0; r <= s; ++r) {
      const auto size = static_cast<double>(run_.batch(r).samples.size());
      for (const at::Tensor& gradient : sample_gradients(r, p)) {
        sum -= share(s, r, p) * run_.clip(r) / size * gradient;
      }
    }
    return sum * scale(s, p);
  }

  /// Decay part of Δ_s.
  at::Tensor decay_part(int64_t s, size_t p) {
    const Hyperparameters h = parameters_of(s, p);
    if (kind() == OptimizerKind::adamw) {
      return -h.learning_rate * h.weight_decay * weight(s, p);
    }
    at::Tensor sum = at::zeros_like(weight(s, p));
    for (int64_t r = 0; r <= s; ++r) {
      sum -= share(s, r, p) * parameters_of(r, p).weight_decay * weight(r, p);
    }
    return sum * scale(s, p);
  }

 private:
  [[nodiscard]] OptimizerKind kind() const { return run_.description().optimizer; }
  [[nodiscard]] Hyperparameters parameters_of(int64_t s, size_t p) const {
    return run_.hyperparameters(s, static_cast<size_t>(run_.description().parameters[p].group));
  }
  [[nodiscard]] at::Tensor weight(int64_t s, size_t p) const {
    return tensor_of(run_.parameter(s, p)).to(at::kDouble);
  }

  /// a(s,r) or c(s,r).
  [[nodiscard]] double share(int64_t s, int64_t r, size_t p) const {
    const Hyperparameters h = parameters_of(s, p);
    const auto age = static_cast<double>(s - r);
    if (kind() != OptimizerKind::sgd) {
      return (1 - h.beta1) * std::pow(h.beta1, age) /
             (1 - std::pow(h.beta1, static_cast<double>(s + 1)));
    }
    if (h.momentum == 0) return r == s ? 1 : 0;
    const double fresh = r == 0 ? 1 : 1 - h.dampening;
    const double through = std::pow(h.momentum, age) * fresh;
    return h.nesterov ? (r == s ? 1 : 0) + h.momentum * through : through;
  }

  /// α/(√v̂ + ε) with v from all gradients up to s, or α.
  at::Tensor scale(int64_t s, size_t p) {
    const Hyperparameters h = parameters_of(s, p);
    if (kind() == OptimizerKind::sgd) return at::full({}, h.learning_rate, at::kDouble);
    at::Tensor second = at::zeros_like(weight(s, p));
    for (int64_t r = 0; r <= s; ++r) {
      at::Tensor g = at::zeros_like(second);
      const auto size = static_cast<double>(run_.batch(r).samples.size());
      for (const at::Tensor& each : sample_gradients(r, p)) g += each / size;
      g = g * run_.clip(r);
      if (kind() == OptimizerKind::adam) g = g + parameters_of(r, p).weight_decay * weight(r, p);
      second += (1 - h.beta2) * std::pow(h.beta2, static_cast<double>(s - r)) * g * g;
    }
    const double correction = 1 - std::pow(h.beta2, static_cast<double>(s + 1));
    return h.learning_rate / ((second / correction).sqrt() + h.epsilon);
  }

  /// ∂ℓ(x_k; θ_r) of every sample of B_r, in its order, in double.
  const std::vector<at::Tensor>& sample_gradients(int64_t r, size_t p) {
    auto& of_step = gradients_[r];
    if (of_step.empty()) {
      of_step.resize(model_.parameters().size());
      const RunBatch batch = run_.batch(r);
      for (size_t k = 0; k < batch.samples.size(); ++k) {
        std::vector<at::Tensor> weights;
        for (size_t i = 0; i < of_step.size(); ++i) {
          weights.push_back(weight(r, i).requires_grad_(true));
        }
        PlainOps ops(weights);
        RunBatch one{{batch.samples[k]}, {}};
        if (!batch.flips.empty()) one.flips = {batch.flips[k]};
        batch_pass(model_, data_.train, data_.transform, one, at::kDouble, ops).loss.backward();
        for (size_t i = 0; i < of_step.size(); ++i) of_step[i].push_back(weights[i].grad());
      }
    }
    return of_step[p];
  }

  const RecordedRun& run_;
  const Model& model_;
  const TrainingData& data_;
  std::map<int64_t, std::vector<std::vector<at::Tensor>>> gradients_;
};

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

TEST_P(ReplayTest, PartsAreTheSumsOverStepsAndSamples) {
  const RecordedRun run = record(at::kDouble);
  const auto model = build_model(run.description().json["model"], "test");
  const TrainingData data = load_run_data(run);
  const RunGradients gradients(*model, run, data);
  Sums sums(run, *model, data);
  OptimizerReplay replay(run);
  int64_t ragged = 0, clipped = 0;
  for (int64_t s = 0; s < run.steps(); ++s) {
    ragged += run.batch(s).samples.size() < 5 ? 1 : 0;
    clipped += run.clip(s) < 1 ? 1 : 0;
    EXPECT_EQ(replay.next_step(), s);
    replay.advance(gradients.of_step(s));
    for (size_t p = 0; p < model->parameters().size(); ++p) {
      SCOPED_TRACE("step " + std::to_string(s) + ", " + model->parameters()[p].name);
      const SplitUpdate parts = replay.parts(p);
      if (!run.stepped(s, p)) {
        EXPECT_EQ(largest(parts.data) + largest(parts.decay) + largest(parts.rounding), 0);
        continue;
      }
      EXPECT_LT(largest(parts.data - sums.data_part(s, p)), 1e-13);
      EXPECT_LT(largest(parts.decay - sums.decay_part(s, p)), 1e-13);
      EXPECT_EQ(replay.rule(p).updates, run.update_count(s, p));
    }
  }
  EXPECT_GE(ragged, 2);
  EXPECT_GT(clipped, 2);
}

/// The rounding part beside the step: largest element, and contracted with a direction.
struct Rounding {
  double elementwise = 0, contracted = 0;
};

Rounding rounding_of(const RecordedRun& run, double units_of_last_place) {
  const auto model = build_model(run.description().json["model"], "test");
  const TrainingData data = load_run_data(run);
  const RunGradients gradients(*model, run, data);
  OptimizerReplay replay(run);
  Rounding worst;
  for (int64_t s = 0; s < run.steps(); ++s) {
    replay.advance(gradients.of_step(s));
    double moved = 0, rounded = 0;
    for (size_t p = 0; p < model->parameters().size(); ++p) {
      const SplitUpdate parts = replay.parts(p);
      const at::Tensor step = parts.data + parts.decay + parts.rounding;
      // Storing θ + Δ rounds it by half a unit in the last place of θ, however small Δ is.
      const at::Tensor place =
          tensor_of(run.parameter(s, p)).to(at::kDouble).abs().max() * units_of_last_place;
      const double left = largest(parts.rounding) - place.item<double>();
      if (largest(step) > 0) worst.elementwise = std::max(worst.elementwise, left / largest(step));
      moved += (step * step).sum().item<double>();
      rounded += (parts.rounding * step).sum().item<double>();
    }
    if (moved > 0) worst.contracted = std::max(worst.contracted, std::abs(rounded) / moved);
  }
  return worst;
}

// With steps that are not small beside the weights: in fp32 storing θ ≈ 1 rounds it by 6e-8, which
// no description of the optimizer can know of.
TEST_P(ReplayTest, WhatIsLeftIsRounding) {
  {
    const Rounding found = rounding_of(record(at::kDouble, true), std::ldexp(1, -52));
    EXPECT_LT(found.elementwise, 1e-12);
    EXPECT_LT(found.contracted, 1e-12);
  }
  std::filesystem::remove_all(folder_.path());
  const Rounding found = rounding_of(record(at::kFloat, true), std::ldexp(1, -23));
  EXPECT_LT(found.elementwise, 1e-6);
  EXPECT_LT(found.contracted, 1e-6);
}

TEST_P(ReplayTest, RulesGiveTheSharesOfEarlierSteps) {
  const RecordedRun run = record(at::kDouble);
  const auto model = build_model(run.description().json["model"], "test");
  const TrainingData data = load_run_data(run);
  const RunGradients gradients(*model, run, data);
  OptimizerReplay replay(run);
  std::vector<std::vector<UpdateRule>> rules;
  std::vector<std::vector<at::Tensor>> clipped;
  for (int64_t s = 0; s < run.steps(); ++s) {
    const std::vector<at::Tensor> means = gradients.of_step(s);
    replay.advance(means);
    rules.emplace_back();
    clipped.emplace_back();
    for (size_t p = 0; p < means.size(); ++p) {
      rules.back().push_back(replay.rule(p));
      clipped.back().push_back(means[p].defined() ? means[p] * replay.rule(p).clip : means[p]);
      if (!means[p].defined()) continue;
      at::Tensor sum = at::zeros_like(means[p]);
      for (int64_t r = 0; r <= s; ++r) {
        double weight = rules[s][p].through * rules[r][p].entering;
        for (int64_t u = r + 1; u <= s; ++u) weight *= rules[u][p].carried;
        if (r == s) weight += rules[s][p].direct;
        sum -= weight * rules[s][p].scale * clipped[r][p];
      }
      EXPECT_LT(largest(sum - replay.parts(p).data), 1e-13) << "step " << s << " tensor " << p;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, ReplayTest, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Replay, CopiesAreSnapshots) {
  const TemporaryFolder folder;
  const RecordedRun run =
      testing::record(folder, testing::small_transformer_json(), testing::small_sums(),
                      testing::small_options(OptimizerKind::adam));
  const auto model = build_model(run.description().json["model"], "test");
  const TrainingData data = load_run_data(run);
  const RunGradients gradients(*model, run, data);
  OptimizerReplay replay(run);
  for (int64_t s = 0; s < 5; ++s) replay.advance(gradients.of_step(s));
  OptimizerReplay copy = replay;
  for (int64_t s = 5; s < 9; ++s) replay.advance(gradients.of_step(s));
  for (int64_t s = 5; s < 9; ++s) copy.advance(gradients.of_step(s));
  EXPECT_TRUE(at::equal(replay.parts(0).data, copy.parts(0).data));
  EXPECT_TRUE(at::equal(replay.parts(0).decay, copy.parts(0).decay));
}

TEST(RunData, IsWhatTheRunWasTrainedOn) {
  const TemporaryFolder folder;
  const TrainingData given = testing::small_images();
  RecordedTrainingOptions options = testing::small_options(OptimizerKind::sgd);
  const RecordedRun run = testing::record(folder, testing::small_cnn_json(), given, options);
  const TrainingData read = load_run_data(run);
  EXPECT_TRUE(at::equal(read.train.inputs, given.train.inputs));
  EXPECT_TRUE(at::equal(read.validation.labels, given.validation.labels));
  EXPECT_EQ(read.transform.mean, given.transform.mean);
  EXPECT_EQ(read.transform.deviation, given.transform.deviation);
  std::filesystem::remove(folder.path() / "data.safetensors");
  EXPECT_THAT([&] { load_run_data(run); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("data.safetensors")));
}

/// A tensor of zeros as data.safetensors holds it.
struct Zeros {
  std::string name, dtype;
  std::vector<int64_t> shape;
};

void write_data(const std::filesystem::path& path, const std::vector<Zeros>& tensors,
                char last_byte = 0) {
  nlohmann::json header;
  std::string data;
  for (const Zeros& tensor : tensors) {
    const size_t begin = data.size();
    size_t bytes = tensor.dtype == "U8" ? 1 : tensor.dtype == "F32" ? 4 : 8;
    for (const int64_t extent : tensor.shape) bytes *= static_cast<size_t>(extent);
    data += std::string(bytes, '\0');
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  if (!data.empty()) data.back() = last_byte;
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof(length)) << text << data;
}

TEST(RunData, ThatDoesNotFitIsRefusedByTensor) {
  const TemporaryFolder folder;
  const RecordedRun run =
      testing::record(folder, testing::small_cnn_json(), testing::small_images(),
                      testing::small_options(OptimizerKind::sgd));
  const std::filesystem::path path = folder.path() / "data.safetensors";
  const auto refusal = [&](const std::vector<Zeros>& tensors, char last_byte = 0) {
    write_data(path, tensors, last_byte);
    try {
      load_run_data(run);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("read");
  };
  const Zeros images{"train/inputs", "U8", {11, 1, 5, 6}}, labels{"train/labels", "I64", {11}};
  EXPECT_EQ(refusal({images, labels}), "read");
  const std::vector<std::pair<std::vector<Zeros>, std::string>> broken{
      {{images}, "tensor train/labels is missing"},
      {{labels}, "tensor train/inputs is missing"},
      {{images, labels, {"validation/inputs", "U8", {4, 1, 5, 6}}},
       "tensor validation/labels is missing"},
      {{{"train/inputs", "U8", {11, 5, 6}}, labels}, "train/inputs is U8 [11, 5, 6], neither"},
      {{{"train/inputs", "I64", {11}}, labels}, "train/inputs is I64 [11], neither"},
      {{{"train/inputs", "F32", {11, 5, 6}}, labels}, "train/inputs is F32 [11, 5, 6], neither"},
      {{images, {"train/labels", "U8", {11}}}, "train/labels is U8 [11] beside inputs"},
      {{images, {"train/labels", "I64", {10}}}, "train/labels is I64 [10] beside inputs"},
      {{images, {"train/labels", "I64", {11, 1, 5, 6}}},
       "train/labels is I64 [11, 1, 5, 6] beside"},
      {{{"train/inputs", "U8", {9, 1, 5, 6}}, {"train/labels", "I64", {9}}},
       "holds 9 training samples, run.json says 11"},
      {{{"train/inputs", "U8", {11, 2, 5, 6}}, labels},
       "data.transform.mean is not a list of 2 numbers"}};
  for (const auto& [tensors, words] : broken) {
    EXPECT_THAT(refusal(tensors), ::testing::HasSubstr(words));
  }
  EXPECT_THAT(refusal({images, labels}, '\x80'),
              ::testing::HasSubstr("train/labels holds a label below 0"));
}

TEST(RunGradients, RefuseAModelThatIsNotTheRuns) {
  const TemporaryFolder folder;
  const RecordedRun run =
      testing::record(folder, testing::small_transformer_json(), testing::small_sums(),
                      testing::small_options(OptimizerKind::sgd));
  nlohmann::json wider = testing::small_transformer_json();
  wider["config"]["inner"] = 13;
  const auto model = build_model(wider, "test");
  const TrainingData data = load_run_data(run);
  EXPECT_THAT([&] { RunGradients(*model, run, data); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("linear1.weight [13, 8]")));
}

}  // namespace
}  // namespace explaind
