#include "engines/dense_gradient.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "model/plain_ops.hpp"

namespace explaind {
namespace {

/// θ(t); the ends themselves at t = 0 and 1 (in fp32 a + (b − a) ≠ b).
std::vector<at::Tensor> weights_at(const Segment& segment, const std::vector<at::Tensor>& deltas,
                                   double t) {
  std::vector<at::Tensor> weights;
  for (size_t i = 0; i < deltas.size(); ++i) {
    const at::Tensor point = t == 0   ? segment.from[i]
                             : t == 1 ? segment.to[i]
                                      : segment.from[i] + deltas[i] * t;
    weights.push_back(point.detach());  // shares the memory, not the flag that is set below
  }
  return weights;
}

/// Integrals that are still open: one sum per accumulator of the plan and parameter.
class OpenIntegral {
 public:
  void add(const std::vector<at::Tensor>& gradient, std::span<const double> weights) {
    sums_.resize(weights.size());
    for (size_t a = 0; a < weights.size(); ++a) {
      if (weights[a] == 0) continue;
      sums_[a].resize(gradient.size());
      for (size_t i = 0; i < gradient.size(); ++i) {
        if (!gradient[i].defined()) continue;
        at::Tensor& sum = sums_[a][i];
        if (sum.defined()) {
          sum.add_(gradient[i], weights[a]);
        } else {
          sum = gradient[i] * weights[a];
        }
      }
    }
  }

  [[nodiscard]] std::vector<at::Tensor> take(int accumulator,
                                             const std::vector<at::Tensor>& parameters) {
    std::vector<at::Tensor> sum(parameters.size());
    const auto a = static_cast<size_t>(accumulator);
    if (a < sums_.size() && !sums_[a].empty()) sum = std::move(sums_[a]);
    for (size_t i = 0; i < sum.size(); ++i) {
      if (!sum[i].defined()) sum[i] = at::zeros_like(parameters[i]);
    }
    return sum;
  }

 private:
  std::vector<std::vector<at::Tensor>> sums_;
};

/// The functionals of one model on one segment, evaluated as a plan asks.
class DenseEvaluation {
 public:
  DenseEvaluation(const Model& model, const Segment& segment,
                  const std::vector<Predictions>& predictions)
      : model_(model),
        segment_(segment),
        predictions_(predictions),
        open_(static_cast<size_t>(functional_count(predictions))) {
    for (size_t i = 0; i < segment.from.size(); ++i) {
      deltas_.push_back(segment.to[i] - segment.from[i]);
    }
  }

  void run(const std::vector<Ask>& asks) {
    functionals_.assign(asks.size(), {});
    values_.assign(asks.size(), {});
    for (size_t i = 0; i < asks.size(); ++i) {
      const Ask& ask = asks[i];
      weights_ = weights_at(segment_, deltas_, ask.t);
      widen_ends(ask.t);
      for (at::Tensor& weight : weights_) weight.requires_grad_(!ask.value_only);
      int64_t first = 0;
      size_t row = 0;  // of the ask: its samples are functionals, ascending
      for (const Predictions& each : predictions_) {
        const int64_t last = first + static_cast<int64_t>(each.functionals.size());
        const size_t begin = row;
        while (row < ask.samples.size() && ask.samples[row] < last) ++row;
        if (begin < row) evaluate(each, first, ask, i, begin, row);
        first = last;
      }
    }
  }

  [[nodiscard]] const std::vector<std::vector<double>>& functionals() const { return functionals_; }
  [[nodiscard]] const std::vector<std::vector<double>>& values() const { return values_; }
  [[nodiscard]] std::vector<at::Tensor> take(size_t functional, int accumulator) {
    return open_[functional].take(accumulator, segment_.from);
  }

 private:
  /// Rows [begin, end) of the ask, functionals of the same inputs.
  void evaluate(const Predictions& predictions, int64_t first, const Ask& ask, size_t number,
                size_t begin, size_t end) {
    const at::Tensor exact = exact_logits(predictions);
    const bool gradients = !ask.value_only;
    const c10::AutoGradMode graph(gradients);
    PlainOps ops(weights_);
    at::Tensor logits = exact;
    if (gradients || !exact.defined()) logits = model_.forward(predictions.inputs, ops);
    for (size_t row = begin; row < end; ++row) {
      const auto functional = static_cast<size_t>(ask.samples[row]);
      const OutputFunctional& of_logits =
          predictions.functionals[functional - static_cast<size_t>(first)];
      const at::Tensor value = of_logits(logits);
      functionals_[number].push_back((exact.defined() ? of_logits(exact) : value).item<double>());
      if (!gradients) continue;
      value.backward({}, /*retain_graph=*/row + 1 < end);
      const std::vector<at::Tensor> gradient = take_gradients();
      for (size_t i = 0; i < gradient.size(); ++i) {
        values_[number].push_back(gradient[i].defined() ? directional_derivative(gradient[i], i)
                                                        : 0.0);
      }
      open_[functional].add(gradient, ask.weights_of(static_cast<int64_t>(row)));
    }
  }

  /// F at the ends is formed in fp64, so that the residual measures the gradients and not the
  /// rounding of two values.
  void widen_ends(double t) {
    ends_.clear();
    if ((t != 0 && t != 1) || weights_.front().scalar_type() == at::kDouble) return;
    for (const at::Tensor& weight : weights_) ends_.push_back(weight.to(at::kDouble));
  }
  /// Undefined between the ends.
  [[nodiscard]] at::Tensor exact_logits(const Predictions& predictions) const {
    if (ends_.empty()) return {};
    const c10::NoGradGuard no_graph;
    const at::Tensor& inputs = predictions.inputs;
    PlainOps ops(ends_);
    return model_.forward(inputs.is_floating_point() ? inputs.to(at::kDouble) : inputs, ops);
  }

  std::vector<at::Tensor> take_gradients() {
    std::vector<at::Tensor> gradients;
    for (at::Tensor& weight : weights_) {
      gradients.push_back(weight.grad());
      weight.mutable_grad().reset();
    }
    return gradients;
  }

  [[nodiscard]] double directional_derivative(const at::Tensor& gradient, size_t parameter) const {
    const c10::NoGradGuard no_graph;
    return (gradient.to(at::kDouble) * deltas_[parameter].to(at::kDouble)).sum().item<double>();
  }

  const Model& model_;
  const Segment& segment_;
  const std::vector<Predictions>& predictions_;
  std::vector<at::Tensor> deltas_, weights_;
  std::vector<at::Tensor> ends_;    ///< weights_ in fp64, at an end where they are not
  std::vector<OpenIntegral> open_;  ///< per functional
  std::vector<std::vector<double>> functionals_, values_;
};

}  // namespace

OutputFunctional weighted_outputs(const at::Tensor& weights) {
  return [weights](const at::Tensor& logits) { return (logits * weights).sum(); };
}

OutputFunctional weighted_losses(const at::Tensor& labels, const at::Tensor& weights) {
  return [labels, weights](const at::Tensor& logits) {
    const at::Tensor right = logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1);
    return -(right * weights).sum();
  };
}

int64_t functional_count(const std::vector<Predictions>& predictions) {
  int64_t count = 0;
  for (const Predictions& each : predictions) {
    count += static_cast<int64_t>(each.functionals.size());
  }
  return count;
}

std::vector<IntegratedGradient> integrate_predictions(const Model& model, const Segment& segment,
                                                      const std::vector<Predictions>& predictions,
                                                      const QuadratureOptions& options) {
  const int64_t functionals = functional_count(predictions);
  const auto plan =
      make_plan(options, functionals, static_cast<int64_t>(model.parameters().size()), false);
  DenseEvaluation evaluation(model, segment, predictions);
  while (!plan->done()) {
    evaluation.run(plan->next());
    plan->tell(evaluation.functionals(), evaluation.values());
  }
  std::vector<IntegratedGradient> integrals;
  for (int64_t f = 0; f < functionals; ++f) {
    const SampleVerdict& verdict = plan->verdict(f);
    integrals.push_back({evaluation.take(static_cast<size_t>(f), verdict.accumulator), verdict});
  }
  return integrals;
}

std::vector<at::Tensor> dense_scores(const Segment& segment, const IntegratedGradient& integral) {
  std::vector<at::Tensor> scores;
  for (size_t i = 0; i < integral.gradient.size(); ++i) {
    scores.push_back((segment.to[i] - segment.from[i]) * integral.gradient[i]);
  }
  return scores;
}

}  // namespace explaind
