#include "training/replay.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "training/tensor_of.hpp"

namespace explaind {
namespace {

at::Tensor in_double(const TensorView& view) { return tensor_of(view).to(at::kDouble); }

/// carried · buffer + entering · x, where an undefined tensor is zero.
at::Tensor blend(double carried, const at::Tensor& buffer, double entering, const at::Tensor& x) {
  if (!x.defined()) return buffer.defined() ? buffer * carried : buffer;
  return buffer.defined() ? buffer * carried + x * entering : x * entering;
}

/// −scale ⊙ (direct · x + through · buffer), of the shape given.
at::Tensor applied(const UpdateRule& rule, const at::Tensor& x, const at::Tensor& buffer,
                   at::IntArrayRef shape) {
  const at::Tensor sum = blend(rule.through, buffer, rule.direct, x);
  return sum.defined() ? rule.scale * sum * -1 : at::zeros(shape, at::kDouble);
}

}  // namespace

OptimizerReplay::OptimizerReplay(const RecordedRun& run)
    : run_(&run), states_(run.description().parameters.size()) {}

std::vector<at::Tensor> no_gradients(const RecordedRun& run, int64_t step) {
  const at::Tensor none = at::zeros({}, at::kDouble);
  std::vector<at::Tensor> gradients(run.description().parameters.size());
  for (size_t p = 0; p < gradients.size(); ++p) {
    if (run.stepped(step, p)) gradients[p] = none;
  }
  return gradients;
}

void OptimizerReplay::advance(const std::vector<at::Tensor>& gradients) {
  if (next_step() >= run_->steps()) throw std::out_of_range("the run has no further step");
  ++step_;
  const RunDescription& description = run_->description();
  for (size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    state.rule = {.scale = at::zeros({}, at::kDouble)};
    state.rule.updates = state.updates;
    if (!run_->stepped(step_, i)) {
      state.clipped = at::Tensor();
      state.decay = at::Tensor();
      continue;
    }
    if (!gradients.at(i).defined()) {
      throw std::invalid_argument(fmt::format("step {}: no gradient of {}, which was stepped",
                                              step_, description.parameters[i].name));
    }
    const auto group = static_cast<size_t>(description.parameters[i].group);
    const Hyperparameters h = run_->hyperparameters(step_, group);
    state.rule.updates = ++state.updates;
    state.rule.stepped = true;
    state.rule.clip = run_->clip(step_);
    state.rule.weight_decay = h.weight_decay;
    state.clipped = gradients[i].to(at::kDouble) * state.rule.clip;
    state.decay = at::Tensor();
    if (description.optimizer == OptimizerKind::adamw) {
      state.rule.decoupled_decay = h.learning_rate * h.weight_decay;
    } else {
      state.rule.coupled_decay = true;
      if (h.weight_decay != 0) state.decay = in_double(run_->parameter(step_, i)) * h.weight_decay;
    }
    set_rule(state, i, h);
    UpdateRule& rule = state.rule;
    state.kept *= rule.carried;
    rule.remembered = state.past.defined() ? rule.through * state.kept : 0;
    state.gradient_buffer =
        blend(rule.carried, state.gradient_buffer, rule.entering, state.clipped);
    state.decay_buffer = blend(rule.carried, state.decay_buffer, rule.entering, state.decay);
  }
}

void OptimizerReplay::begin_range() {
  for (State& state : states_) {
    state.past = state.gradient_buffer;
    if (state.decay_buffer.defined()) {
      state.past = state.past.defined() ? state.past + state.decay_buffer : state.decay_buffer;
    }
    state.gradient_buffer = at::Tensor();
    state.decay_buffer = at::Tensor();
    state.kept = 1;
  }
}

void OptimizerReplay::set_rule(State& state, size_t parameter, const Hyperparameters& h) {
  UpdateRule& rule = state.rule;
  if (run_->description().optimizer != OptimizerKind::sgd) {
    rule.carried = h.beta1;
    rule.entering = 1 - h.beta1;
    rule.through = 1;
    rule.scale = scale_of_adam(state, parameter, h);
    return;
  }
  rule.scale = at::full({}, h.learning_rate, at::kDouble);
  if (h.momentum == 0) {
    rule.direct = 1;
    return;
  }
  rule.carried = h.momentum;
  rule.entering = state.has_buffer ? 1 - h.dampening : 1;
  rule.direct = h.nesterov ? 1 : 0;
  rule.through = h.nesterov ? h.momentum : 1;
  state.has_buffer = true;
}

at::Tensor OptimizerReplay::scale_of_adam(State& state, size_t parameter,
                                          const Hyperparameters& h) const {
  if (run_->description().second_moments) {
    state.second_moment = in_double(run_->second_moment(step_, parameter));
  } else {
    const at::Tensor g = state.decay.defined() ? state.clipped + state.decay : state.clipped;
    state.second_moment = blend(h.beta2, state.second_moment, 1 - h.beta2, g * g);
  }
  const auto count = static_cast<double>(state.updates);
  const at::Tensor corrected = state.second_moment / (1 - std::pow(h.beta2, count));
  return h.learning_rate / (1 - std::pow(h.beta1, count)) / (corrected.sqrt() + h.epsilon);
}

SplitUpdate OptimizerReplay::parts(size_t parameter) const {
  const State& state = states_.at(parameter);
  const at::Tensor before = in_double(run_->parameter(step_, parameter));
  const at::Tensor change = in_double(run_->parameter(step_ + 1, parameter)) - before;
  SplitUpdate parts;
  parts.data = applied(state.rule, state.clipped, state.gradient_buffer, before.sizes());
  parts.decay = applied(state.rule, state.decay, state.decay_buffer, before.sizes());
  if (state.rule.decoupled_decay != 0)
    parts.decay = parts.decay - before * state.rule.decoupled_decay;
  parts.momentum = state.rule.remembered != 0
                       ? state.rule.scale * state.past * -state.rule.remembered
                       : at::zeros(before.sizes(), at::kDouble);
  parts.rounding = change - parts.data - parts.decay - parts.momentum;
  return parts;
}

}  // namespace explaind
