// Replays of runs whose hyper-parameters change from step to step and whose parameter misses steps,
// against torch's formulae on single numbers.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <optional>

#include "checkpoint/safetensors_writer.hpp"
#include "training/replay.hpp"
#include "training/tensor_of.hpp"
#include "training/tensor_view_of.hpp"
#include "unit/training/small_training.hpp"

namespace explaind {
namespace {

using testing::TemporaryFolder;

constexpr int64_t steps = 7;
const std::vector<double> gradients{0.3, -0.2, 0.7, 0, -0.4, 0.25, 0.1};
const std::vector<double> clips{1, 0.5, 1, 1, 0.25, 1, 0.8};
const std::vector<double> rates{0.1, 0.2, 0.05, 0.1, 0.3, 0.02, 0.1};
const std::vector<double> decays{0.3, 0, 0.1, 0.3, 0.5, 0.2, 0.3};
const std::vector<double> betas{0.5, 0.9, 0.7, 0.8, 0.6, 0.95, 0.3};
const std::vector<double> momenta{0, 0.9, 0.5, 0.8, 0, 0.7, 0.6};
const std::vector<double> dampenings{0.4, 0.1, 0.3, 0.2, 0, 0.5, 0.25};
const std::vector<uint8_t> stepped{1, 1, 1, 0, 1, 1, 1};

at::Tensor column(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble).view({steps, 1});
}

/// One parameter of one element.
RecordedRun write_run(const TemporaryFolder& folder, const std::string& optimizer,
                      const std::vector<double>& weights) {
  nlohmann::json group = {{"nesterov", false}};
  if (optimizer != "sgd") group = {{"beta2", 0.9}, {"epsilon", 1e-3}};
  const nlohmann::json json = {{"format", "explaind-recorded-run"},
                               {"version", 1},
                               {"dtype", "f64"},
                               {"model", {{"name", "one"}}},
                               {"optimizer", {{"name", optimizer}, {"groups", {group}}}},
                               {"parameters", {{{"name", "w"}, {"shape", {1}}, {"group", 0}}}},
                               {"data", {{"samples", 1}}},
                               {"stored", nlohmann::json::array()}};
  std::ofstream(folder.path() / "run.json") << json.dump();
  std::ofstream(folder.path() / "complete.json") << nlohmann::json{{"steps", steps}}.dump();
  std::filesystem::create_directory(folder.path() / "blocks");
  const at::Tensor start = at::full({1}, weights[0], at::kDouble);
  write_safetensors(folder.path() / "start.safetensors",
                    std::vector<TensorView>{view_of("parameter/w", start)});
  const at::Tensor after = column({weights.begin() + 1, weights.end()}), rate = column(rates),
                   decay = column(decays), beta = column(betas), momentum = column(momenta),
                   dampening = column(dampenings), clip = at::tensor(clips, at::kDouble),
                   sizes = at::ones({steps}, at::kLong), indices = at::zeros({steps}, at::kLong),
                   flags = at::tensor(stepped, at::kByte).view({steps, 1});
  std::vector<TensorView> block{view_of("parameter/w", after),   view_of("learning_rate", rate),
                                view_of("clip", clip),           view_of("batch_size", sizes),
                                view_of("batch_index", indices), view_of("stepped", flags),
                                view_of("weight_decay", decay)};
  if (optimizer == "sgd") {
    block.push_back(view_of("momentum", momentum));
    block.push_back(view_of("dampening", dampening));
  } else {
    block.push_back(view_of("beta1", beta));
  }
  write_safetensors(folder.path() / "blocks/00000000-00000006.safetensors", block,
                    {{"first_step", "0"}, {"last_step", "6"}});
  return RecordedRun::open(folder.path());
}

/// θ_0 … θ_N as torch.optim steps them. Adam's loop body, on one number.
std::vector<double> adam(bool decoupled) {
  std::vector<double> weights{0.8};
  double m = 0, v = 0;
  int k = 0;
  for (size_t s = 0; s < steps; ++s) {
    double w = weights.back(), g = clips[s] * gradients[s];
    if (stepped[s] == 1) {
      ++k;
      if (decoupled) {
        w *= 1 - rates[s] * decays[s];
      } else {
        g += decays[s] * w;
      }
      m = betas[s] * m + (1 - betas[s]) * g;
      v = 0.9 * v + 0.1 * g * g;
      const double root = std::sqrt(v) / std::sqrt(1 - std::pow(0.9, k)) + 1e-3;
      w -= rates[s] / (1 - std::pow(betas[s], k)) * m / root;
    }
    weights.push_back(w);
  }
  return weights;
}

std::vector<double> sgd() {
  std::vector<double> weights{0.8};
  std::optional<double> buffer;
  for (size_t s = 0; s < steps; ++s) {
    double w = weights.back();
    if (stepped[s] == 1) {
      double d = clips[s] * gradients[s] + decays[s] * w;
      if (momenta[s] != 0) {
        buffer = buffer ? momenta[s] * *buffer + (1 - dampenings[s]) * d : d;
        d = *buffer;
      }
      w -= rates[s] * d;
    }
    weights.push_back(w);
  }
  return weights;
}

/// Shares of data and decay are what the same weights' update changes by when one of them is
/// taken out; here they must add up, and decay alone is checked against its sum over origin steps.
void expect_exact(const RecordedRun& run) {
  OptimizerReplay replay(run);
  std::vector<UpdateRule> rules;
  for (int64_t s = 0; s < steps; ++s) {
    const auto at = static_cast<size_t>(s);
    replay.advance({stepped[at] == 1 ? at::full({1}, gradients[at], at::kDouble) : at::Tensor()});
    rules.push_back(replay.rule(0));
    const SplitUpdate parts = replay.parts(0);
    EXPECT_LT(parts.rounding.abs().item<double>(), 1e-15) << "step " << s;
    double decay = -rules.back().decoupled_decay * tensor_of(run.parameter(s, 0)).item<double>();
    for (int64_t r = 0; r <= s; ++r) {
      const UpdateRule& origin = rules[static_cast<size_t>(r)];
      if (!origin.coupled_decay) continue;
      double weight = rules[at].through * origin.entering;
      for (int64_t u = r + 1; u <= s; ++u) weight *= rules[static_cast<size_t>(u)].carried;
      if (r == s) weight += rules[at].direct;
      decay -= weight * rules[at].scale.item<double>() * origin.weight_decay *
               tensor_of(run.parameter(r, 0)).item<double>();
    }
    EXPECT_NEAR(parts.decay.item<double>(), decay, 1e-15) << "step " << s;
    EXPECT_EQ(replay.rule(0).updates, run.update_count(s, 0));
  }
}

TEST(ReplaySchedule, AdamW) {
  const TemporaryFolder folder;
  expect_exact(write_run(folder, "adamw", adam(true)));
}

TEST(ReplaySchedule, AdamWithCoupledDecay) {
  const TemporaryFolder folder;
  expect_exact(write_run(folder, "adam", adam(false)));
}

TEST(ReplaySchedule, Sgd) {
  const TemporaryFolder folder;
  expect_exact(write_run(folder, "sgd", sgd()));
}

}  // namespace
}  // namespace explaind
