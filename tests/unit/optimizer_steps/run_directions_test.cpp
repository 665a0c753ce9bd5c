// The parts of a recorded run's updates against sums written out over origin steps, and their
// scores by engine A against autograd.

#include "optimizer_steps/run_directions.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "model/plain_ops.hpp"
#include "model/registry.hpp"
#include "parameters/endpoints.hpp"
#include "parameters/resident_parameters.hpp"
#include "quadrature/fixed_rules.hpp"
#include "solver/unit_solver.hpp"
#include "sweeps/classifier_sweep.hpp"
#include "training/run_data.hpp"
#include "training/run_gradients.hpp"
#include "training/tensor_of.hpp"
#include "unit/training/small_training.hpp"

namespace explaind {
namespace {

using testing::TemporaryFolder;

const std::vector<Part> all{Part::decay, Part::rounding, Part::data};

using Case = testing::TrainingCase;

// All of them clipped, ragged and of two groups, one of which does not decay (small_training.cpp).
std::vector<Case> cases() {
  using Options = RecordedTrainingOptions;
  return {
      {"adamw", OptimizerKind::adamw},
      {"adam_l2", OptimizerKind::adam},
      {"adam_l2_stored", OptimizerKind::adam, false, true},
      {"sgd_momentum_dampening", OptimizerKind::sgd},
      {"sgd_nesterov", OptimizerKind::sgd, false, false, testing::nesterov},
      {"images_with_flips", OptimizerKind::adamw, true, false, [](Options& o) { o.flips = true; }}};
}

/// A run with the files of its parts.
class RunDirectionsTest : public ::testing::TestWithParam<Case> {
 protected:
  void record(at::ScalarType type = at::kDouble) {
    run_.emplace(testing::record(folder_, GetParam(), [&](RecordedTrainingOptions& options) {
      options.type = type;
      options.keep_second_moments = GetParam().stored;
    }));
    model_ = build_model(run_->description().json["model"], "test");
    data_ = load_run_data(*run_);
  }

  std::shared_ptr<RunDirections> parts_of(const std::vector<Part>& kept) {
    auto parts = std::make_shared<RunDirections>(*run_, kept);
    if (!parts->needs_files()) return parts;
    const RunGradients gradients(*model_, *run_, data_);
    OptimizerReplay replay(*run_);
    std::map<int64_t, std::shared_ptr<const StepFile>> files;
    for (int64_t s = 0; s < run_->steps(); ++s) {
      replay.advance(parts->needs_gradients() ? gradients.of_step(s) : no_gradients(*run_, s));
      const auto file = std::make_shared<const StepFile>(
          folder_.path() / ("part-" + std::to_string(s)), parts->layout(Dtype::f64), true);
      parts->write(replay, *file);
      files[s] = file;
    }
    parts->set_files(std::move(files));
    return parts;
  }

  /// direction of one part, of a parameter.
  [[nodiscard]] at::Tensor along(const RunDirections& parts, const PointPair& pair, size_t place,
                                 size_t parameter) const {
    return direction_of(parts.between(pair, static_cast<ParameterId>(parameter)).at(place),
                        model_->parameters()[parameter].shape, at::kDouble, Device::cpu());
  }

  [[nodiscard]] at::Tensor weight(int64_t s, size_t p) const {
    return tensor_of(run_->parameter(s, p)).to(at::kDouble);
  }
  [[nodiscard]] Hyperparameters parameters_at(int64_t s, size_t p) const {
    return run_->hyperparameters(s, static_cast<size_t>(run_->description().parameters[p].group));
  }

  /// ψ^reg's direction of step s, method.md §2; Adam's scale is taken from its stored v.
  [[nodiscard]] at::Tensor decay_of(int64_t s, size_t p) const {
    at::Tensor sum = at::zeros_like(weight(s, p));
    if (!run_->stepped(s, p)) return sum;
    const Hyperparameters h = parameters_at(s, p);
    if (GetParam().kind == OptimizerKind::adamw) {
      return -h.learning_rate * h.weight_decay * weight(s, p);
    }
    const bool adam = GetParam().kind == OptimizerKind::adam;
    for (int64_t r = 0; r <= s; ++r) {
      const auto age = static_cast<double>(s - r);
      double share = (1 - h.beta1) * std::pow(h.beta1, age) /
                     (1 - std::pow(h.beta1, static_cast<double>(s + 1)));
      if (!adam) {
        share = std::pow(h.momentum, age) * (r == 0 ? 1 : 1 - h.dampening);
        if (h.nesterov) share = (r == s ? 1 : 0) + h.momentum * share;
      }
      sum -= share * parameters_at(r, p).weight_decay * weight(r, p);
    }
    if (!adam) return h.learning_rate * sum;
    const at::Tensor second = tensor_of(run_->second_moment(s, p)).to(at::kDouble) /
                              (1 - std::pow(h.beta2, static_cast<double>(s + 1)));
    return h.learning_rate * sum / (second.sqrt() + h.epsilon);
  }

  TemporaryFolder folder_;
  std::optional<RecordedRun> run_;
  std::unique_ptr<Model> model_;
  TrainingData data_;
};

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

TEST_P(RunDirectionsTest, DecayIsTheSumOverOriginSteps) {
  record();
  if (GetParam().kind == OptimizerKind::adam && !GetParam().stored)
    GTEST_SKIP() << "v is not stored";
  const auto parts = parts_of({Part::decay});
  EXPECT_EQ(parts->needs_files(), GetParam().kind != OptimizerKind::adamw);
  EXPECT_FALSE(parts->needs_gradients());
  size_t decayed = 0;
  for (size_t p = 0; p < model_->parameters().size(); ++p) {
    at::Tensor sum = at::zeros(model_->parameters()[p].shape, at::kDouble);
    for (size_t s = 0; s < static_cast<size_t>(run_->steps()); ++s) {
      const at::Tensor expected = decay_of(static_cast<int64_t>(s), p);
      EXPECT_LT(largest(along(*parts, {s, s + 1}, 0, p) - expected), 1e-15)
          << "step " << s << ", " << model_->parameters()[p].name;
      sum += expected;
    }
    EXPECT_LT(largest(along(*parts, {0, static_cast<size_t>(run_->steps())}, 0, p) - sum), 1e-14);
    decayed += largest(sum) > 0 ? 1 : 0;
  }
  EXPECT_GT(decayed, 1U);
  EXPECT_LT(decayed, model_->parameters().size());  // a mask is at work
}

TEST_P(RunDirectionsTest, AddUpToTheUpdateAndRoundingIsSmall) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    std::filesystem::remove_all(folder_.path());
    record(type);
    const auto parts = parts_of(all);
    for (size_t s = 0; s < static_cast<size_t>(run_->steps()); ++s) {
      double moved = 0, rounded = 0;
      for (size_t p = 0; p < model_->parameters().size(); ++p) {
        const auto at_step = static_cast<int64_t>(s);
        const at::Tensor step = weight(at_step + 1, p) - weight(at_step, p);
        const at::Tensor rounding = along(*parts, {s, s + 1}, 1, p);
        const at::Tensor sum =
            along(*parts, {s, s + 1}, 0, p) + rounding + along(*parts, {s, s + 1}, 2, p);
        EXPECT_LT(largest(sum - step), 1e-16);
        moved += (step * step).sum().item<double>();
        rounded += (rounding * step).sum().item<double>();
      }
      if (s + 1 == static_cast<size_t>(run_->steps())) continue;  // at learning rate 0
      ASSERT_GT(moved, 0);
      EXPECT_LT(std::abs(rounded) / moved, type == at::kDouble ? 1e-12 : 1e-5) << "step " << s;
    }
  }
}

TEST_P(RunDirectionsTest, ScoresAreGradientsTimesParts) {
  record();
  const auto parts = parts_of(all);
  const auto path = std::make_shared<const RunPath>(*run_, *model_);
  const PathTrajectory trajectory(path, {{2, 5}}, parts);  // several steps as one straight line
  PredictionData validation{.data = data_.validation, .transform = data_.transform, .classes = 0};
  validation.classes = GetParam().images ? 3 : 9;
  SolverOptions options;
  parse_quadrature("gauss:3", options.quadrature);
  options.functional = Functional::loss();
  for (const Part part : all) options.directions.push_back({.part = part});
  std::vector<Sample> samples;
  for (int64_t i = 0; i < 3; ++i) {
    samples.push_back({.id = std::to_string(i), .group = "", .input_ids = {i}, .labels = {0}});
  }
  const Groups groups = group_samples(samples);
  const ComponentTable table(Granularity::tensor, model_->parameters());
  ResidentParameters parameters(*model_, trajectory,
                                {.type = at::kDouble, .products = at::kDouble});
  ClassifierSweep sweep(*model_, validation, options.functional, parameters, table,
                        {.directions = trajectory.directions()});
  parameters.load(0);
  const ScoreTile tile =
      UnitSolver(table, samples, groups, options)
          .solve({.index = 0, .segment = 0, .sample_begin = 0, .sample_end = 3}, sweep);
  ASSERT_EQ(tile.parts.size(), 3U);
  const FixedRule rule = gauss_rule(3);
  for (int64_t i = 0; i < 3; ++i) {
    std::vector<at::Tensor> dense;
    for (size_t q = 0; q < rule.nodes.size(); ++q) {
      std::vector<at::Tensor> weights;
      for (size_t p = 0; p < model_->parameters().size(); ++p) {
        weights.push_back(
            (weight(2, p) + rule.nodes[q] * (weight(5, p) - weight(2, p))).requires_grad_(true));
      }
      PlainOps ops(weights);
      const at::Tensor logits = model_->forward(
          network_inputs(data_.validation, data_.transform, {i}, {}, at::kDouble), ops);
      at::cross_entropy_loss(logits, data_.validation.labels.narrow(0, i, 1)).backward();
      for (size_t p = 0; p < weights.size(); ++p) {
        at::Tensor gradient = weights[p].grad();
        if (!gradient.defined()) gradient = at::zeros_like(weights[p]);
        if (q == 0) dense.push_back(at::zeros_like(gradient));
        dense[p] += rule.weights[q] * gradient;
      }
    }
    for (const PartScores& part : tile.parts) {
      const auto place =
          static_cast<size_t>(std::find(all.begin(), all.end(), part.part) - all.begin());
      for (size_t p = 0; p < dense.size(); ++p) {
        const double expected = (dense[p] * along(*parts, {2, 5}, place, p)).sum().item<double>();
        EXPECT_NEAR(part.scores[static_cast<size_t>(i) * dense.size() + p], expected, 1e-14)
            << variable_of(part.part) << " of " << model_->parameters()[p].name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, RunDirectionsTest, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace explaind
