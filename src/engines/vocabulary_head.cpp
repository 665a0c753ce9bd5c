#include "engines/vocabulary_head.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "tensors/products.hpp"
#include "tensors/soft_cap.hpp"
#include "tensors/token_losses.hpp"

namespace explaind {
namespace {

at::Tensor flat(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

}  // namespace

void VocabularyHead::run(std::span<Evaluation> evaluations, bool gradients, ScoreAccumulator& sink,
                         const std::vector<ParameterRows>& after) {
  const c10::NoGradGuard no_graph;
  if (slices() == 1) {
    run_whole(evaluations, sink, after);
  } else {
    run_sliced(evaluations, gradients, sink, after);
  }
}

ParameterRows VocabularyHead::slice(int64_t index) const {
  const int64_t first = index * vocabulary_slice;
  return {.parameter = network_.unembedding(),
          .first = first,
          .count = std::min(vocabulary_slice, network_.vocabulary() - first)};
}

ParameterRows VocabularyHead::open(int64_t index, const std::vector<ParameterRows>& after) {
  const ParameterRows opened = slice(index);
  parameters_.open({opened}, index + 1 < slices() ? std::vector{slice(index + 1)} : after);
  return opened;
}

at::Tensor VocabularyHead::logits_of(const Evaluation& evaluation, at::Tensor* response) const {
  const ParameterId matrix = network_.unembedding();
  parameters_.set_node(evaluation.node());
  at::Tensor logits = times_transposed(evaluation.hidden, parameters_.weight(matrix));
  const bool wanted = evaluation.t_of_members.defined() || response != nullptr;
  if (!wanted || !parameters_.moves(matrix)) return logits;
  const at::Tensor z = times_transposed(evaluation.hidden, parameters_.delta(matrix));
  if (response != nullptr) *response = z;
  if (!evaluation.t_of_members.defined()) return logits;
  return logits + evaluation.t_of_members.view({-1, 1, 1}) * z;
}

at::Tensor VocabularyHead::direction_response(const Evaluation& evaluation,
                                              int64_t direction) const {
  return times_transposed(evaluation.hidden,
                          parameters_.direction(direction, network_.unembedding()));
}

at::Tensor VocabularyHead::gradient_of(const Evaluation& evaluation,
                                       const at::Tensor& gradient) const {
  const ParameterId matrix = network_.unembedding();
  const auto through = [&](const at::Tensor& weight) {
    return times(flat(gradient), weight).view_as(evaluation.hidden);
  };
  at::Tensor at_node = through(parameters_.weight(matrix));
  if (!evaluation.t_of_members.defined() || !parameters_.moves(matrix)) return at_node;
  return at_node + evaluation.t_of_members.view({-1, 1, 1}) * through(parameters_.delta(matrix));
}

void VocabularyHead::run_whole(std::span<Evaluation> evaluations, ScoreAccumulator& sink,
                               const std::vector<ParameterRows>& after) {
  open(0, after);
  for (Evaluation& each : evaluations) {
    sink.begin_evaluation(each.members);
    TokenLosses losses(each.batch, parameters_.device());
    at::Tensor response, logits = logits_of(each, each.value_only ? nullptr : &response);
    const at::Tensor slope = cap_softly(logits, network_.logit_cap(), !each.value_only);
    sink.set_functional(losses.whole(logits, !each.value_only));
    if (each.value_only) continue;
    if (slope.defined()) logits.mul_(slope);  // ∂F/∂(x Uᵀ)
    if (response.defined()) sink.add(network_.unembedding(), logits, response);
    for (int64_t d = 0; d < sink.directions(); ++d) {
      sink.direction(d).add(network_.unembedding(), logits, direction_response(each, d));
    }
    each.gradient = gradient_of(each, logits);
  }
}

void VocabularyHead::run_sliced(std::span<Evaluation> evaluations, bool gradients,
                                ScoreAccumulator& sink, const std::vector<ParameterRows>& after) {
  std::vector<TokenLosses> losses;
  std::vector<SliceSums> scores(evaluations.size());
  std::vector<std::vector<SliceSums>> of_directions(static_cast<size_t>(sink.directions()), scores);
  for (const Evaluation& each : evaluations) losses.emplace_back(each.batch, parameters_.device());
  for (int64_t index = 0; index < slices(); ++index) {
    const ParameterRows slice = open(index, gradients ? first() : after);
    for (size_t i = 0; i < evaluations.size(); ++i) {
      at::Tensor logits = logits_of(evaluations[i]);
      cap_softly(logits, network_.logit_cap(), /*with_slope=*/false);
      losses[i].add_slice(logits, slice.first);
    }
  }
  for (size_t i = 0; i < evaluations.size(); ++i) {
    sink.begin_evaluation(evaluations[i].members);
    sink.set_functional(losses[i].values());
  }
  for (int64_t index = 0; gradients && index < slices(); ++index) {
    const ParameterRows slice = open(index, after);
    for (size_t i = 0; i < evaluations.size(); ++i) {
      Evaluation& each = evaluations[i];
      if (each.value_only) continue;
      at::Tensor response, logits = logits_of(each, &response);
      const at::Tensor slope = cap_softly(logits, network_.logit_cap());
      losses[i].gradient_slice(logits, slice.first);
      if (slope.defined()) logits.mul_(slope);
      sink.begin_evaluation(each.members);
      if (response.defined()) {
        sink.add_slice(network_.unembedding(), slice.first, logits, response, scores[i]);
      }
      for (int64_t d = 0; d < sink.directions(); ++d) {
        sink.direction(d).add_slice(network_.unembedding(), slice.first, logits,
                                    direction_response(each, d),
                                    of_directions[static_cast<size_t>(d)][i]);
      }
      const at::Tensor gradient = gradient_of(each, logits);
      each.gradient = index == 0 ? gradient : each.gradient.add_(gradient);
    }
  }
  for (size_t i = 0; i < evaluations.size(); ++i) {
    if (evaluations[i].value_only) continue;
    sink.begin_evaluation(evaluations[i].members);
    if (parameters_.moves(network_.unembedding())) {
      sink.add_sums(network_.unembedding(), scores[i]);
    }
    for (int64_t d = 0; d < sink.directions(); ++d) {
      sink.direction(d).add_sums(network_.unembedding(), of_directions[static_cast<size_t>(d)][i]);
    }
  }
}

}  // namespace explaind
