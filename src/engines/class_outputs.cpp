#include "engines/class_outputs.hpp"

#include <ATen/ATen.h>

// B samples, K classes, J outputs.

namespace explaind {

at::Tensor ClassOutputs::classes_of(int64_t meant, const at::Tensor& labels) {
  return meant == FunctionalTerm::own_label ? labels.view({-1, 1})
                                            : at::full({labels.size(0), 1}, meant, at::kLong);
}

at::Tensor ClassOutputs::values(const at::Tensor& logits, const at::Tensor& labels) const {
  at::Tensor read = logits.detach().to(at::kDouble).cpu();
  if (functional_->reading() == Reading::log_probabilities) read = at::log_softmax(read, 1);
  if (functional_->every_output()) return read.contiguous();
  at::Tensor sum;
  for (const FunctionalTerm& term : functional_->terms()) {
    const at::Tensor one = read.gather(1, classes_of(term.index, labels)).mul_(term.factor);
    sum = sum.defined() ? sum + one : one;
  }
  return sum;
}

at::Tensor ClassOutputs::gradient(const at::Tensor& logits, const at::Tensor& labels,
                                  int64_t output) const {
  const at::Tensor exact = logits.detach().to(at::kDouble).cpu();
  at::Tensor gradient = at::zeros_like(exact);
  const auto add = [&](int64_t meant, double value) {
    gradient.scatter_add_(1, classes_of(meant, labels),
                          at::full({labels.size(0), 1}, value, at::kDouble));
  };
  const std::vector<FunctionalTerm> terms = functional_->terms();
  if (functional_->reading() == Reading::log_probabilities) {  // factor · (one-hot − softmax)
    const FunctionalTerm& term = terms.front();
    gradient -= at::softmax(exact, 1);
    add(term.index, 1);
    gradient *= term.factor;
  } else if (functional_->every_output()) {
    add(output, 1);
  } else {
    for (const FunctionalTerm& term : terms) add(term.index, term.factor);
  }
  return gradient.to(logits.options());
}

}  // namespace explaind
