#include "training/adamw.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace explaind {

double clip_gradients(const std::vector<at::Tensor>& parameters, double max_norm) {
  const c10::NoGradGuard no_graph;
  double squares = 0;
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor& gradient = parameter.grad();
    if (gradient.defined()) squares += std::pow(gradient.norm().item<double>(), 2);
  }
  const double norm = std::sqrt(squares);
  if (max_norm > 0) {
    const double factor = std::min(1.0, max_norm / (norm + 1e-6));
    for (const at::Tensor& parameter : parameters) {
      if (parameter.grad().defined()) parameter.grad().mul_(factor);
    }
  }
  return norm;
}

AdamW::AdamW(std::vector<at::Tensor> parameters, std::vector<bool> decay,
             const AdamWOptions& options)
    : parameters_(std::move(parameters)), decay_(std::move(decay)), options_(options) {
  for (const at::Tensor& parameter : parameters_) {
    states_.push_back({at::zeros_like(parameter), at::zeros_like(parameter), 0});
  }
}

void AdamW::step(double learning_rate) {
  const c10::NoGradGuard no_graph;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor& parameter = parameters_[i];
    const at::Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    auto& [first, second, steps] = states_[i];
    ++steps;
    if (decay_[i]) parameter.mul_(1 - learning_rate * options_.weight_decay);
    first.lerp_(gradient, 1 - options_.beta1);
    second.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
    const double correction1 = 1 - std::pow(options_.beta1, static_cast<double>(steps));
    const double correction2 = 1 - std::pow(options_.beta2, static_cast<double>(steps));
    const at::Tensor root = second.sqrt().div_(std::sqrt(correction2)).add_(options_.epsilon);
    parameter.addcdiv_(first, root, -learning_rate / correction1);
    parameter.mutable_grad().reset();
  }
}

}  // namespace explaind
