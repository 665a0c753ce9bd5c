#include "training/language_model.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <string>
#include <utility>

#include "core/error.hpp"
#include "model/plain_ops.hpp"

namespace explaind {

LanguageModelTraining::LanguageModelTraining(const Network& network, std::vector<int64_t> tokens,
                                             const TrainingOptions& options)
    : network_(network),
      tokens_(std::move(tokens)),
      options_(options),
      generator_(at::detail::createCPUGenerator(options.seed)) {
  const int64_t needed = options_.sequence_length + 1;
  if (static_cast<int64_t>(tokens_.size()) < needed) {
    throw DataError("training text", "only " + std::to_string(tokens_.size()) + " tokens",
                    "At least " + std::to_string(needed) + " are needed for one sequence");
  }
  weights_ = initial_weights(network_, at::kFloat, generator_);
}

void LanguageModelTraining::run(const Before& before, const After& after) {
  std::vector<bool> decay = options_.decays;
  for (at::Tensor& weight : weights_) {
    weight.requires_grad_(true);
    if (options_.decays.empty()) decay.push_back(weight.dim() > 1);
  }
  optimizer_ =
      make_optimizer(OptimizerKind::adamw, weights_, decay_groups(decay, options_.optimizer));
  for (int64_t step = 0; step < options_.schedule.steps; ++step) {
    for (ParameterGroup& group : optimizer_->groups()) {
      group.hyperparameters.learning_rate = options_.schedule.learning_rate(step);
    }
    before(step, weights_);
    const auto [loss, z] = losses_of(draw_windows(options_.batch, generator_));
    (z.defined() ? loss + z : loss).backward();
    clip_gradients(weights_, options_.max_gradient_norm);
    optimizer_->step();
    after(step + 1, loss.item<double>());
  }
  before(options_.schedule.steps, weights_);
}

double LanguageModelTraining::reference_loss() {
  const c10::NoGradGuard no_graph;
  // Its own generator: looking at the loss must not change which windows are trained on.
  at::Generator generator = at::detail::createCPUGenerator(options_.seed + 1);
  return losses_of(draw_windows(reference_windows, generator)).cross_entropy.item<double>();
}

/// `count` random windows of T + 1 tokens: count T+1.
at::Tensor LanguageModelTraining::draw_windows(int64_t count, at::Generator& generator) {
  const int64_t width = options_.sequence_length + 1;
  const int64_t positions = static_cast<int64_t>(tokens_.size()) - width + 1;
  const at::Tensor starts = at::randint(0, positions, {count}, generator, at::kLong);
  const at::Tensor stream =
      at::from_blob(tokens_.data(), {static_cast<int64_t>(tokens_.size())}, at::kLong);
  const at::Tensor offsets = at::arange(width, at::kLong);
  return stream.index_select(0, (starts.unsqueeze(1) + offsets.unsqueeze(0)).view(-1))
      .view({count, width});
}

LanguageModelTraining::Losses LanguageModelTraining::losses_of(const at::Tensor& windows) {
  PlainOps ops(weights_);
  const int64_t length = windows.size(1) - 1;
  const at::Tensor logits = network_.forward(windows.narrow(1, 0, length), ops);
  const at::Tensor targets = windows.narrow(1, 1, length).reshape({-1});
  const at::Tensor rows = logits.reshape({-1, logits.size(2)});
  Losses losses{.cross_entropy = at::cross_entropy_loss(rows, targets), .z = {}};
  if (options_.z_loss > 0) losses.z = at::logsumexp(rows, 1).square().mean() * options_.z_loss;
  return losses;
}

}  // namespace explaind
