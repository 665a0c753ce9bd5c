#include "decomposition/vocabulary_head.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "decomposition/functional.hpp"
#include "kernels/cross_entropy.hpp"

namespace explaind {
namespace {

/// What two passes over the vocabulary know of one evaluation, per token (B T).
struct TokenSums {
  explicit TokenSums(const MicroBatch& batch)
      : softmax(batch.targets.size()), chosen(batch.targets.size(), 0.0) {}

  std::vector<kernels::SoftmaxSum> softmax;
  std::vector<double> chosen;  ///< the target's logit
  SliceSums scores;
};

/// The target's place in the slice, −1 outside.
int64_t within(const ParameterRows& slice, int64_t target) {
  return target >= slice.first && target < slice.first + slice.count ? target - slice.first : -1;
}

/// logits: B T n of the slice.
template <typename Real>
void add_logits(const MicroBatch& batch, const ParameterRows& slice, const Real* logits,
                TokenSums& sums) {
  at::parallel_for(0, static_cast<int64_t>(batch.targets.size()), 1,
                   [&](int64_t first, int64_t last) {
                     for (int64_t row = first; row < last; ++row) {
                       const auto i = static_cast<size_t>(row);
                       if (batch.targets[i] < 0) continue;
                       const Real* values = logits + row * slice.count;
                       const int64_t target = within(slice, batch.targets[i]);
                       if (target >= 0) sums.chosen[i] = static_cast<double>(values[target]);
                       kernels::add_slice(values, slice.count, sums.softmax[i]);
                     }
                   });
}

/// logits become ∂F/∂logits.
template <typename Real>
void form_gradient(const MicroBatch& batch, const ParameterRows& slice, const TokenSums& sums,
                   Real* logits) {
  at::parallel_for(
      0, static_cast<int64_t>(batch.targets.size()), 1, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; ++row) {
          const auto i = static_cast<size_t>(row);
          Real* values = logits + row * slice.count;
          if (batch.targets[i] < 0) {
            std::fill_n(values, slice.count, Real{0});
          } else {
            kernels::softmax_gradient(values, slice.count, sums.softmax[i],
                                      within(slice, batch.targets[i]),
                                      batch.weights[static_cast<size_t>(row / batch.positions)]);
          }
        }
      });
}

std::vector<double> values_of(const MicroBatch& batch, const TokenSums& sums) {
  std::vector<double> token(batch.targets.size(), 0.0);
  for (size_t i = 0; i < token.size(); ++i) {
    if (batch.targets[i] >= 0) token[i] = sums.softmax[i].logarithm() - sums.chosen[i];
  }
  return member_values(batch, token);
}

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

void VocabularyHead::run_whole(std::span<Evaluation> evaluations, ScoreAccumulator& sink,
                               const std::vector<ParameterRows>& after) {
  const ParameterId matrix = network_.unembedding();
  open(0, after);
  for (Evaluation& each : evaluations) {
    parameters_.set_node(each.t);
    sink.begin_evaluation(each.members);
    at::Tensor logits = at::linear(each.hidden, parameters_.weight(matrix));
    if (each.value_only) {
      sink.set_functional(losses(each.batch, logits));
      continue;
    }
    sink.set_functional(losses_and_gradient(each.batch, logits));
    sink.add(matrix, logits, at::linear(each.hidden, parameters_.delta(matrix)));
    each.gradient = at::mm(flat(logits), parameters_.weight(matrix)).view_as(each.hidden);
  }
}

void VocabularyHead::run_sliced(std::span<Evaluation> evaluations, bool gradients,
                                ScoreAccumulator& sink, const std::vector<ParameterRows>& after) {
  const ParameterId matrix = network_.unembedding();
  const bool fp64 = parameters_.type() == at::kDouble;
  std::vector<TokenSums> sums;
  for (const Evaluation& each : evaluations) sums.emplace_back(each.batch);
  for (int64_t index = 0; index < slices(); ++index) {
    const ParameterRows slice = open(index, gradients ? first() : after);
    for (size_t i = 0; i < evaluations.size(); ++i) {
      const Evaluation& each = evaluations[i];
      parameters_.set_node(each.t);
      const at::Tensor logits = at::linear(each.hidden, parameters_.weight(matrix));
      if (fp64) {
        add_logits(each.batch, slice, logits.const_data_ptr<double>(), sums[i]);
      } else {
        add_logits(each.batch, slice, logits.const_data_ptr<float>(), sums[i]);
      }
    }
  }
  for (size_t i = 0; i < evaluations.size(); ++i) {
    sink.begin_evaluation(evaluations[i].members);
    sink.set_functional(values_of(evaluations[i].batch, sums[i]));
  }
  for (int64_t index = 0; gradients && index < slices(); ++index) {
    const ParameterRows slice = open(index, after);
    for (size_t i = 0; i < evaluations.size(); ++i) {
      Evaluation& each = evaluations[i];
      if (each.value_only) continue;
      parameters_.set_node(each.t);
      at::Tensor logits = at::linear(each.hidden, parameters_.weight(matrix));
      if (fp64) {
        form_gradient(each.batch, slice, sums[i], logits.data_ptr<double>());
      } else {
        form_gradient(each.batch, slice, sums[i], logits.data_ptr<float>());
      }
      sink.begin_evaluation(each.members);
      sink.add_slice(matrix, slice.first, logits,
                     at::linear(each.hidden, parameters_.delta(matrix)), sums[i].scores);
      if (index == 0) each.gradient = at::zeros_like(each.hidden);
      flat(each.gradient).addmm_(flat(logits), parameters_.weight(matrix));
    }
  }
  for (size_t i = 0; i < evaluations.size(); ++i) {
    if (evaluations[i].value_only) continue;
    sink.begin_evaluation(evaluations[i].members);
    sink.add_sums(matrix, sums[i].scores);
  }
}

}  // namespace explaind
