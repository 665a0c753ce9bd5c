#include "engines/logit_head.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "kernels/contract.hpp"
#include "samples/batch.hpp"

// B members, T positions, C width, n tokens.

namespace explaind {
namespace {

/// ⟨x, y⟩ of two rows in fp64, in order.
double inner_product(const at::Tensor& x, const at::Tensor& y) {
  const at::Tensor products = (x.to(at::kDouble) * y.to(at::kDouble)).contiguous();
  return kernels::ordered_sum(products.const_data_ptr<double>(), products.numel());
}

}  // namespace

LogitHead::LogitHead(const Network& network, ParameterSource& parameters,
                     const Functional& functional)
    : network_(network),
      parameters_(parameters),
      functional_(functional),
      terms_(functional->terms()) {
  for (const FunctionalTerm& term : terms_) tokens_.push_back(term.index);
}

void LogitHead::run(std::span<Evaluation> evaluations, bool /*gradients*/, ScoreAccumulator& sink,
                    const std::vector<ParameterRows>& /*after*/) {
  const c10::NoGradGuard no_graph;
  for (Evaluation& each : evaluations) run_one(each, sink);
}

void LogitHead::run_one(Evaluation& evaluation, ScoreAccumulator& sink) {
  const MicroBatch& batch = evaluation.batch;
  const ParameterId unembedding = network_.unembedding();
  parameters_.set_node(evaluation.node());
  const at::Tensor ids = at::tensor(tokens_, at::kLong);
  const at::Tensor rows = parameters_.weight_rows(unembedding, ids);  // n C
  const at::Tensor steps =
      evaluation.t_of_members.defined() ? evaluation.t_of_members.cpu() : at::Tensor();
  const bool scored = !evaluation.value_only;
  at::Tensor change, gradient;  // n C, B T C
  if (scored || steps.defined()) change = parameters_.delta_rows(unembedding, ids);
  if (scored) gradient = at::zeros_like(evaluation.hidden);
  std::vector<double> values;
  std::vector<int64_t> positions;
  at::Tensor scores = at::empty({batch.size(), ids.numel()}, at::kDouble);
  for (int64_t b = 0; b < batch.size(); ++b) {
    positions.push_back(position_in(batch.lengths[static_cast<size_t>(b)], functional_));
    at::Tensor weights = rows;
    if (steps.defined()) weights = rows + steps[b].item<double>() * change;
    const at::Tensor state = evaluation.hidden[b][positions.back()].cpu();  // C
    double value = 0;
    for (int64_t i = 0; i < ids.numel(); ++i) {
      const double factor = terms_[static_cast<size_t>(i)].factor;
      double logit = inner_product(state, weights[i].cpu()), slope = factor;
      if (const double cap = network_.logit_cap(); cap > 0) {
        const double bent = std::tanh(logit / cap);
        logit = cap * bent;
        slope = factor * (1 - bent * bent);
      }
      value += factor * logit;
      if (!scored) continue;
      scores[b][i] = slope * inner_product(state, change[i].cpu());
      gradient[b][positions.back()].add_(weights[i], slope);
    }
    values.push_back(value);
  }
  sink.begin_evaluation(evaluation.members);
  sink.set_functional(values);
  if (!scored) return;
  sink.add_entries(unembedding, tokens_, positions, scores);
  evaluation.gradient = std::move(gradient);
}

}  // namespace explaind
