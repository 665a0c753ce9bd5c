#include "training_axis/functionals.hpp"

#include <ATen/ATen.h>

#include "core/error.hpp"
#include "samples/batch.hpp"

namespace explaind {
namespace {

OutputFunctional class_functional(const Functional& functional, int64_t label, int64_t classes,
                                  at::ScalarType type) {
  const auto meant = [&](const FunctionalTerm& term) {
    return term.index == FunctionalTerm::own_label ? label : term.index;
  };
  const std::vector<FunctionalTerm> terms = functional->terms();
  if (functional->reading() == Reading::log_probabilities) {
    const FunctionalTerm& term = terms.front();
    return weighted_losses(at::full({1}, meant(term), at::kLong),
                           at::full({1}, -term.factor, type));
  }
  at::Tensor weights = at::zeros({1, classes}, type);
  for (const FunctionalTerm& term : terms) weights[0][meant(term)] += term.factor;
  return weighted_outputs(weights);
}

OutputFunctional logit_of(int64_t of_class, int64_t classes, at::ScalarType type) {
  at::Tensor weights = at::zeros({1, classes}, type);
  weights[0][of_class] = 1;
  return weighted_outputs(weights);
}

}  // namespace

Predictions class_functionals(const Functional& functional, const at::Tensor& inputs, int64_t label,
                              int64_t classes, at::ScalarType type) {
  Predictions predictions{.inputs = inputs, .functionals = {}};
  if (functional->every_output()) {
    for (int64_t k = 0; k < classes; ++k)
      predictions.functionals.push_back(logit_of(k, classes, type));
  } else {
    predictions.functionals.push_back(class_functional(functional, label, classes, type));
  }
  return predictions;
}

Predictions text_functionals(const Functional& functional, const Sample& sample, int64_t vocabulary,
                             at::ScalarType type) {
  if (functional->reading() == Reading::activation) {
    throw UsageError("--functional",
                     "training samples of a language model explain its losses and logits",
                     "Use loss, loss_sum, logit:…, logit_diff:… or logprob:…");
  }
  const MicroBatch alone = make_micro_batch({&sample, 1}, functional);  // has such a position
  // Of a loss every token but the last, whose successor is not known.
  const int64_t length = functional->position() ? alone.positions : alone.positions - 1;
  Predictions predictions{
      .inputs = at::tensor(alone.input_ids, at::kLong).narrow(0, 0, length).view({1, length}),
      .functionals = {}};
  if (functional->reading() == Reading::logits) {
    at::Tensor weights = at::zeros({1, length, vocabulary}, type);
    const int64_t position = position_in(length, functional);
    for (const FunctionalTerm& term : functional->terms())
      weights[0][position][term.index] += term.factor;
    predictions.functionals.push_back(weighted_outputs(weights));
    return predictions;
  }
  at::Tensor labels = at::zeros({1, length}, at::kLong), weights = at::zeros({1, length}, type);
  for (int64_t t = 0; t < length; ++t) {
    const int64_t label = alone.targets[static_cast<size_t>(t)];
    if (label == ignored_label) continue;
    labels[0][t] = label;
    weights[0][t] = alone.weights.front();
  }
  predictions.functionals.push_back(weighted_losses(labels, weights));
  return predictions;
}

}  // namespace explaind
