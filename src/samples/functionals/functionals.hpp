#pragma once
// The words of a functional, and one reader for each that there is.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "samples/functional.hpp"

namespace explaind {

/// NAME:A:B…
struct FunctionalWords {
  std::string text;                ///< as it was written
  std::vector<std::string> after;  ///< what follows its name

  /// Throws UsageError: there is no such functional.
  [[noreturn]] void refuse() const;
  /// Word i as a number, and as a class: "label" (FunctionalTerm::own_label) or a number from 0.
  /// Throw UsageError.
  [[nodiscard]] int64_t number(size_t i) const;
  [[nodiscard]] int64_t class_number(size_t i) const;
};

/// Tokens at a position of a language model, or classes.
struct TokensOrClasses {
  std::optional<int64_t> position;  ///< of a language model
  std::vector<int64_t> indices;

  /// POS:A:B… or A:B…, so many of them. Throws UsageError.
  static TokensOrClasses read(const FunctionalWords& words, size_t count);
  /// As FunctionalDefinition has it.
  void require_of_language_model(int64_t vocabulary) const;
  void require_of_classifier(int64_t classes) const;
};

/// Throws UsageError: not available, and what is.
[[noreturn]] void refuse_functional(const std::string& problem);
/// Throws UsageError: "WHAT value of count".
void require_below(int64_t value, int64_t count, const char* what);
/// Throws UsageError for a classifier.
[[noreturn]] void refuse_on_classifiers();
/// Throws UsageError for a language model.
[[noreturn]] void refuse_on_language_models();

Functional read_loss(const FunctionalWords& words);
Functional read_loss_sum(const FunctionalWords& words);
Functional read_logit(const FunctionalWords& words);
Functional read_logit_difference(const FunctionalWords& words);
Functional read_log_probability(const FunctionalWords& words);
Functional read_log_probability_difference(const FunctionalWords& words);
Functional read_activation(const FunctionalWords& words);

}  // namespace explaind
