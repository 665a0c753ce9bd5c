#include "engines/class_outputs.hpp"

#include <ATen/ATen.h>

// B samples, K classes, J outputs.

namespace explaind {

at::Tensor ClassOutputs::classes_of(int64_t meant, const at::Tensor& labels) {
  return meant == Functional::own_label ? labels.view({-1, 1})
                                        : at::full({labels.size(0), 1}, meant, at::kLong);
}

at::Tensor ClassOutputs::values(const at::Tensor& logits, const at::Tensor& labels) const {
  const at::Tensor exact = logits.detach().to(at::kDouble).cpu();
  switch (functional_.kind) {
    case Functional::logit:
    case Functional::activation:
      if (functional_.first == Functional::every_class) return exact.contiguous();
      return exact.gather(1, classes_of(functional_.first, labels));
    case Functional::logit_diff:
      return exact.gather(1, classes_of(functional_.first, labels)) -
             exact.gather(1, classes_of(functional_.second, labels));
    case Functional::logprob:
      return at::log_softmax(exact, 1).gather(1, classes_of(functional_.first, labels));
    default:
      return -at::log_softmax(exact, 1).gather(1, labels.view({-1, 1}));
  }
}

at::Tensor ClassOutputs::gradient(const at::Tensor& logits, const at::Tensor& labels,
                                  int64_t output) const {
  at::Tensor exact = logits.detach().to(at::kDouble).cpu();
  at::Tensor gradient = at::zeros_like(exact);
  const auto add = [&](int64_t meant, double value) {
    gradient.scatter_add_(1, classes_of(meant, labels),
                          at::full({labels.size(0), 1}, value, at::kDouble));
  };
  if (functional_.kind == Functional::logit_diff) {
    add(functional_.first, 1);
    add(functional_.second, -1);
  } else if (functional_.kind == Functional::logit || functional_.kind == Functional::activation) {
    add(functional_.first == Functional::every_class ? output : functional_.first, 1);
  } else {  // ± (one-hot − softmax)
    gradient -= at::softmax(exact, 1);
    add(functional_.kind == Functional::loss ? Functional::own_label : functional_.first, 1);
    gradient *= sign();
  }
  return gradient.to(logits.options());
}

}  // namespace explaind
