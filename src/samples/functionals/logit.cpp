// The logit of one token at one position, or of one class or every class; the difference of two.

#include <utility>

#include "samples/functionals/functionals.hpp"

namespace explaind {
namespace {

/// logit(A), or logit(A) − logit(B).
class Logit final : public FunctionalDefinition {
 public:
  explicit Logit(TokensOrClasses read) : read_(std::move(read)) {}
  [[nodiscard]] Reading reading() const override { return Reading::logits; }
  [[nodiscard]] std::optional<int64_t> position() const override { return read_.position; }
  [[nodiscard]] std::vector<FunctionalTerm> terms() const override {
    std::vector<FunctionalTerm> terms;
    for (const int64_t each : read_.indices) {
      terms.push_back({.index = each, .factor = terms.empty() ? 1.0 : -1.0});
    }
    return terms;
  }
  void require_of_language_model(int64_t vocabulary, int64_t /*blocks*/,
                                 int64_t /*width*/) const override {
    read_.require_of_language_model(vocabulary);
  }
  void require_of_classifier(int64_t classes) const override {
    read_.require_of_classifier(classes);
  }

 private:
  TokensOrClasses read_;
};

class EveryLogit final : public FunctionalDefinition {
 public:
  [[nodiscard]] Reading reading() const override { return Reading::logits; }
  [[nodiscard]] bool every_output() const override { return true; }
  void require_of_language_model(int64_t /*vocabulary*/, int64_t /*blocks*/,
                                 int64_t /*width*/) const override {
    refuse_on_language_models();
  }
  void require_of_classifier(int64_t /*classes*/) const override {}
};

}  // namespace

Functional read_logit(const FunctionalWords& words) {
  if (words.after.empty()) return Functional(std::make_shared<EveryLogit>());
  return Functional(std::make_shared<Logit>(TokensOrClasses::read(words, 1)));
}

Functional read_logit_difference(const FunctionalWords& words) {
  return Functional(std::make_shared<Logit>(TokensOrClasses::read(words, 2)));
}

}  // namespace explaind
