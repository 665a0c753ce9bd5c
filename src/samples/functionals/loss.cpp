// The cross-entropy of what a sample predicts, and of two sentences its difference.

#include "samples/functionals/functionals.hpp"

namespace explaind {
namespace {

/// The mean over the predicted tokens of a language model; the loss of a classifier.
class Loss : public FunctionalDefinition {
 public:
  [[nodiscard]] Reading reading() const override { return Reading::log_probabilities; }
  [[nodiscard]] std::vector<FunctionalTerm> terms() const override {
    return {{.index = FunctionalTerm::own_label, .factor = -1}};
  }
  [[nodiscard]] int64_t predicted_at(const Sample& sample, int64_t t) const override {
    const auto next = static_cast<size_t>(t) + 1;
    return next < sample.labels.size() ? sample.labels[next] : ignored_label;
  }
  [[nodiscard]] double weight(const Sample& sample) const override {
    return 1.0 / static_cast<double>(sample.predicted());
  }
  void require_of_language_model(int64_t /*vocabulary*/, int64_t /*blocks*/,
                                 int64_t /*width*/) const override {}
  void require_of_classifier(int64_t /*classes*/) const override {}
};

/// The sum over the predicted tokens.
class LossSum final : public Loss {
 public:
  [[nodiscard]] double weight(const Sample& /*sample*/) const override { return 1; }
  void require_of_classifier(int64_t /*classes*/) const override { refuse_on_classifiers(); }
};

/// log p(good) − log p(bad) of a minimal pair, each the sum over its predicted tokens.
class LogProbabilityDifference final : public Loss {
 public:
  [[nodiscard]] double weight(const Sample& /*sample*/) const override { return -1; }
  [[nodiscard]] bool of_pairs() const override { return true; }
  void require_of_classifier(int64_t /*classes*/) const override { refuse_on_classifiers(); }
};

}  // namespace

Functional read_loss(const FunctionalWords& words) {
  if (!words.after.empty()) words.refuse();
  return Functional(std::make_shared<Loss>());
}

Functional read_loss_sum(const FunctionalWords& words) {
  if (!words.after.empty()) words.refuse();
  return Functional(std::make_shared<LossSum>());
}

Functional read_log_probability_difference(const FunctionalWords& words) {
  if (!words.after.empty()) words.refuse();
  return Functional(std::make_shared<LogProbabilityDifference>());
}

}  // namespace explaind
