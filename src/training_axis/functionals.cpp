#include "training_axis/functionals.hpp"

#include <ATen/ATen.h>

#include "core/error.hpp"
#include "samples/batch.hpp"

namespace explaind {
namespace {

OutputFunctional logit(int64_t of_class, int64_t classes, at::ScalarType type) {
  at::Tensor weights = at::zeros({1, classes}, type);
  weights[0][of_class] = 1;
  return weighted_outputs(weights);
}

/// scale · (−log-probability) of a class.
OutputFunctional surprise(int64_t of_class, double scale, at::ScalarType type) {
  return weighted_losses(at::full({1}, of_class, at::kLong), at::full({1}, scale, type));
}

OutputFunctional class_functional(const Functional& functional, int64_t label, int64_t classes,
                                  at::ScalarType type) {
  const auto meant = [&](int64_t given) { return given == Functional::own_label ? label : given; };
  switch (functional.kind) {
    case Functional::logit:
      return logit(meant(functional.first), classes, type);
    case Functional::logprob:
      return surprise(meant(functional.first), -1, type);
    case Functional::logit_diff: {
      at::Tensor weights = at::zeros({1, classes}, type);
      weights[0][meant(functional.first)] += 1;
      weights[0][meant(functional.second)] -= 1;
      return weighted_outputs(weights);
    }
    default:
      return surprise(label, 1, type);
  }
}

/// inputs: every token but the last, whose successor is not known.
Predictions text_loss(const Functional& functional, const Sample& sample, at::ScalarType type) {
  const double weight =
      functional.kind == Functional::loss_sum ? 1 : 1 / static_cast<double>(sample.predicted());
  const auto length = static_cast<int64_t>(sample.input_ids.size()) - 1;  // that predict a token
  at::Tensor labels = at::zeros({1, length}, at::kLong), weights = at::zeros({1, length}, type);
  for (int64_t t = 0; t < length; ++t) {
    const int64_t label = sample.labels[static_cast<size_t>(t) + 1];
    if (label == ignored_label) continue;
    labels[0][t] = label;
    weights[0][t] = weight;
  }
  return {.inputs = at::tensor(sample.input_ids, at::kLong).narrow(0, 0, length).view({1, length}),
          .functionals = {weighted_losses(labels, weights)}};
}

/// F of the logits that follow one token: T tokens, V of the vocabulary.
Predictions at_position(const Functional& functional, const Sample& sample, int64_t vocabulary,
                        at::ScalarType type) {
  const MicroBatch alone = make_micro_batch({&sample, 1}, functional);  // has such a position
  const int64_t length = alone.positions, position = position_in(length, functional);
  Predictions predictions{.inputs = at::tensor(alone.input_ids, at::kLong).view({1, length}),
                          .functionals = {}};
  if (functional.kind == Functional::logprob) {
    at::Tensor labels = at::zeros({1, length}, at::kLong), weights = at::zeros({1, length}, type);
    labels[0][position] = functional.first;
    weights[0][position] = -1;
    predictions.functionals.push_back(weighted_losses(labels, weights));
    return predictions;
  }
  at::Tensor weights = at::zeros({1, length, vocabulary}, type);
  weights[0][position][functional.first] += 1;
  if (functional.kind == Functional::logit_diff) weights[0][position][functional.second] -= 1;
  predictions.functionals.push_back(weighted_outputs(weights));
  return predictions;
}

}  // namespace

Predictions class_functionals(const Functional& functional, const at::Tensor& inputs, int64_t label,
                              int64_t classes, at::ScalarType type) {
  Predictions predictions{.inputs = inputs, .functionals = {}};
  if (functional.first == Functional::every_class) {
    for (int64_t k = 0; k < classes; ++k)
      predictions.functionals.push_back(logit(k, classes, type));
  } else {
    predictions.functionals.push_back(class_functional(functional, label, classes, type));
  }
  return predictions;
}

Predictions text_functionals(const Functional& functional, const Sample& sample, int64_t vocabulary,
                             at::ScalarType type) {
  if (functional.kind == Functional::activation) {
    throw UsageError("--functional",
                     "training samples of a language model explain its losses and logits",
                     "Use loss, loss_sum, logit:…, logit_diff:… or logprob:…");
  }
  return functional.positioned ? at_position(functional, sample, vocabulary, type)
                               : text_loss(functional, sample, type);
}

}  // namespace explaind
