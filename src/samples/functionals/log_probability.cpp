// The log-probability of one token at one position, or of one class.

#include <utility>

#include "samples/functionals/functionals.hpp"

namespace explaind {
namespace {

class LogProbability final : public FunctionalDefinition {
 public:
  explicit LogProbability(TokensOrClasses read) : read_(std::move(read)) {}
  [[nodiscard]] Reading reading() const override { return Reading::log_probabilities; }
  [[nodiscard]] std::optional<int64_t> position() const override { return read_.position; }
  [[nodiscard]] std::vector<FunctionalTerm> terms() const override {
    return {{.index = read_.indices.front(), .factor = 1}};
  }
  [[nodiscard]] int64_t predicted_at(const Sample& sample, int64_t t) const override {
    if (!read_.position) return ignored_label;
    const auto length = static_cast<int64_t>(sample.input_ids.size());
    const int64_t place = *read_.position < 0 ? length + *read_.position : *read_.position;
    return t == place ? read_.indices.front() : ignored_label;
  }
  [[nodiscard]] double weight(const Sample& /*sample*/) const override { return -1; }
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

}  // namespace

Functional read_log_probability(const FunctionalWords& words) {
  return Functional(std::make_shared<LogProbability>(TokensOrClasses::read(words, 1)));
}

}  // namespace explaind
