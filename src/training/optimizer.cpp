#include "training/optimizer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

// The order of the operations is that of torch.optim's single-tensor code: it decides the bits.

namespace explaind {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(std::vector<at::Tensor> parameters, std::vector<ParameterGroup> groups, bool decoupled)
      : Optimizer(std::move(parameters), std::move(groups)), decoupled_(decoupled) {}

 private:
  /// θ ← θ − αλθ − α/(√v̂ + ε) m̂ (decoupled), or with g + λθ in place of g in both moments.
  void update(at::Tensor& parameter, const at::Tensor& gradient, OptimizerState& state,
              const Hyperparameters& h) const override {
    if (!state.first_moment.defined()) {
      state.first_moment = at::zeros_like(parameter);
      state.second_moment = at::zeros_like(parameter);
    }
    at::Tensor g = gradient;
    if (h.weight_decay != 0) {
      if (decoupled_) {
        parameter.mul_(1 - h.learning_rate * h.weight_decay);
      } else {
        g = g.add(parameter, h.weight_decay);
      }
    }
    const auto updates = static_cast<double>(state.updates);
    state.first_moment.lerp_(g, 1 - h.beta1);
    state.second_moment.mul_(h.beta2).addcmul_(g, g, 1 - h.beta2);
    const double correction1 = 1 - std::pow(h.beta1, updates);
    const double correction2 = 1 - std::pow(h.beta2, updates);
    const at::Tensor root = state.second_moment.sqrt().div_(std::sqrt(correction2)).add_(h.epsilon);
    parameter.addcdiv_(state.first_moment, root, -h.learning_rate / correction1);
  }
  bool decoupled_;
};

class Sgd final : public Optimizer {
 public:
  using Optimizer::Optimizer;

 private:
  /// d = g + λθ; buffer ← μ·buffer + (1 − dampening)·d, at first d itself; θ ← θ − α·buffer, with
  /// Nesterov θ − α(d + μ·buffer).
  void update(at::Tensor& parameter, const at::Tensor& gradient, OptimizerState& state,
              const Hyperparameters& h) const override {
    at::Tensor direction = gradient;
    if (h.weight_decay != 0) direction = direction.add(parameter, h.weight_decay);
    if (h.momentum != 0) {
      if (!state.first_moment.defined()) {
        state.first_moment = direction.clone();
      } else {
        state.first_moment.mul_(h.momentum).add_(direction, 1 - h.dampening);
      }
      direction = h.nesterov ? direction.add(state.first_moment, h.momentum) : state.first_moment;
    }
    parameter.add_(direction, -h.learning_rate);
  }
};

}  // namespace

std::vector<ParameterGroup> decay_groups(const std::vector<bool>& decayed,
                                         const Hyperparameters& hyperparameters) {
  std::vector<ParameterGroup> groups(2, {{}, hyperparameters});
  groups[1].hyperparameters.weight_decay = 0;
  for (size_t i = 0; i < decayed.size(); ++i) groups[decayed[i] ? 0 : 1].parameters.push_back(i);
  std::erase_if(groups, [](const ParameterGroup& group) { return group.parameters.empty(); });
  return groups;
}

Optimizer::Optimizer(std::vector<at::Tensor> parameters, std::vector<ParameterGroup> groups)
    : parameters_(std::move(parameters)), groups_(std::move(groups)), states_(parameters_.size()) {
  std::vector<int> uses(parameters_.size(), 0);
  for (const ParameterGroup& group : groups_) {
    for (const size_t i : group.parameters) ++uses.at(i);
  }
  if (std::any_of(uses.begin(), uses.end(), [](int count) { return count != 1; })) {
    throw std::invalid_argument("every parameter must be in exactly one group");
  }
}

void Optimizer::step() {
  const c10::NoGradGuard no_graph;
  for (const ParameterGroup& group : groups_) {
    for (const size_t i : group.parameters) {
      const at::Tensor gradient = parameters_[i].grad();
      if (!gradient.defined()) continue;
      ++states_[i].updates;
      update(parameters_[i], gradient, states_[i], group.hyperparameters);
      parameters_[i].mutable_grad().reset();
    }
  }
}

std::unique_ptr<Optimizer> make_optimizer(OptimizerKind kind, std::vector<at::Tensor> parameters,
                                          std::vector<ParameterGroup> groups) {
  if (kind == OptimizerKind::sgd) {
    return std::make_unique<Sgd>(std::move(parameters), std::move(groups));
  }
  return std::make_unique<Adam>(std::move(parameters), std::move(groups),
                                kind == OptimizerKind::adamw);
}

Clipping clip_gradients(const std::vector<at::Tensor>& parameters, double max_norm) {
  const c10::NoGradGuard no_graph;
  double squares = 0;
  bool single = false;
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    squares += std::pow(gradient.norm().item<double>(), 2);
    single = gradient.scalar_type() == at::kFloat;
  }
  Clipping clipping{.norm = std::sqrt(squares)};
  if (max_norm <= 0) return clipping;
  const double factor = std::min(1.0, max_norm / (clipping.norm + 1e-6));
  clipping.factor = single ? static_cast<double>(static_cast<float>(factor)) : factor;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) parameter.grad().mul_(clipping.factor);
  }
  return clipping;
}

}  // namespace explaind
