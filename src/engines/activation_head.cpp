#include "engines/activation_head.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "samples/batch.hpp"

namespace explaind {

void ActivationHead::run(std::span<Evaluation> evaluations, bool /*gradients*/,
                         ScoreAccumulator& sink, const std::vector<ParameterRows>& /*after*/) {
  const c10::NoGradGuard no_graph;
  const int64_t coordinate = functional_->terms().front().index;
  for (Evaluation& each : evaluations) {
    at::Tensor gradient = at::zeros_like(each.hidden);  // B T C
    std::vector<double> values;
    for (int64_t b = 0; b < each.batch.size(); ++b) {
      const int64_t position = position_in(each.batch.lengths[static_cast<size_t>(b)], functional_);
      values.push_back(each.hidden[b][position][coordinate].item<double>());
      gradient[b][position][coordinate] = 1;
    }
    sink.begin_evaluation(each.members);
    sink.set_functional(values);
    if (!each.value_only) each.gradient = std::move(gradient);
  }
}

}  // namespace explaind
