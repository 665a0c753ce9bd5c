#include <fmt/format.h>

#include <charconv>

#include "core/error.hpp"
#include "samples/functionals/functionals.hpp"

namespace explaind {

void refuse_functional(const std::string& problem) {
  throw UsageError("--functional", problem,
                   "Use loss, loss_sum, logit:POS:TOKEN, logit_diff:POS:A:B, logprob:POS:TOKEN, "
                   "activation:BLOCK:POS:INDEX or, of minimal pairs, logprob_diff of a language "
                   "model; loss, logit, logit:CLASS, logit_diff:A:B, "
                   "logprob:CLASS, activation:WEIGHT or activation:WEIGHT:INDEX of a classifier");
}

void require_below(int64_t value, int64_t count, const char* what) {
  if (value >= 0 && value < count) return;
  refuse_functional(fmt::format("{} {} of {}", what, value, count));
}

void refuse_on_classifiers() { refuse_functional("this one is of a language model"); }

void refuse_on_language_models() {
  refuse_functional("this one is of a classifier; of a language model say position and token ids");
}

void FunctionalWords::refuse() const { refuse_functional("'" + text + "' is not available"); }

int64_t FunctionalWords::number(size_t i) const {
  const std::string& word = after[i];
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || word.empty()) {
    refuse_functional(fmt::format("'{}': '{}' is no number", text, word));
  }
  return value;
}

int64_t FunctionalWords::class_number(size_t i) const {
  if (after[i] == "label") return FunctionalTerm::own_label;
  const int64_t value = number(i);
  if (value < 0) refuse_functional(fmt::format("'{}': there is no {}", text, value));
  return value;
}

TokensOrClasses TokensOrClasses::read(const FunctionalWords& words, size_t count) {
  TokensOrClasses read;
  const size_t given = words.after.size();
  const size_t first = given == count + 1 ? 1 : 0;
  if (first == 1) read.position = words.number(0);
  if (given != first + count) words.refuse();
  for (size_t i = 0; i < count; ++i) read.indices.push_back(words.class_number(first + i));
  return read;
}

void TokensOrClasses::require_of_language_model(int64_t vocabulary) const {
  if (!position) refuse_on_language_models();
  for (const int64_t each : indices) {
    if (each == FunctionalTerm::own_label) refuse_on_language_models();
  }
  for (const int64_t each : indices) require_below(each, vocabulary, "token");
}

void TokensOrClasses::require_of_classifier(int64_t classes) const {
  if (position) refuse_on_classifiers();
  for (const int64_t each : indices) {
    if (each != FunctionalTerm::own_label) require_below(each, classes, "class");
  }
}

}  // namespace explaind
