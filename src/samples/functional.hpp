#pragma once
// What is explained: a differentiable number F of a prediction sample.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "samples/sample.hpp"

namespace explaind {

/// What F takes of a model's results. A language model has one head for each.
enum class Reading {
  log_probabilities,  ///< of predicted tokens, or of one class: the whole vocabulary takes part
  logits,             ///< of single tokens or classes
  activation          ///< one coordinate of what a block or a layer gives
};

/// A token, class or coordinate and its factor in a sum.
struct FunctionalTerm {
  /// In place of a class: the sample's own label.
  static constexpr int64_t own_label = -1;

  int64_t index = 0;
  double factor = 1;
  bool operator==(const FunctionalTerm&) const = default;
};

/// All that is asked of one functional. One that adds nothing to what the readings offer is one
/// class: everything that scores, sums and stores goes by the answers and knows no functional.
class FunctionalDefinition {
 public:
  virtual ~FunctionalDefinition() = default;

  [[nodiscard]] virtual Reading reading() const = 0;
  /// Of F as stores say it: nats, of which logits are log-odds; "1" where only the model knows.
  [[nodiscard]] virtual std::string unit() const { return "nat"; }
  /// The position that F is read at, in a sample of a language model; negative: from its end. None
  /// where all of the sample counts, and of classifiers.
  [[nodiscard]] virtual std::optional<int64_t> position() const { return std::nullopt; }

  /// F = Σ factor · (logit, log-probability or coordinate) of these. Of a language model's
  /// log-probabilities predicted_at() and weight() speak instead.
  [[nodiscard]] virtual std::vector<FunctionalTerm> terms() const { return {}; }
  /// Every class, or every coordinate, is an output of its own; there are no terms.
  [[nodiscard]] virtual bool every_output() const { return false; }

  /// The token whose log-probability at position t is read; ignored_label where none is.
  [[nodiscard]] virtual int64_t predicted_at(const Sample& sample, int64_t t) const;
  /// F = weight · Σ −log-probability of what is predicted.
  [[nodiscard]] virtual double weight(const Sample& sample) const;

  /// F is of a minimal pair: predicted_at() and weight() are of the first sentence, and of the one
  /// that it is compared with the weight is the opposite. Other functionals have no value there.
  [[nodiscard]] virtual bool of_pairs() const { return false; }

  /// Of an activation of a language model: the last block that F depends on.
  [[nodiscard]] virtual std::optional<int64_t> block() const { return std::nullopt; }
  /// Of an activation of a classifier: the layer's weight by name.
  [[nodiscard]] virtual std::string layer() const { return ""; }

  /// Throws UsageError where it is not one of a language model of that vocabulary, blocks and
  /// width.
  virtual void require_of_language_model(int64_t vocabulary, int64_t blocks,
                                         int64_t width) const = 0;
  /// Throws UsageError where it is not one of a classifier of so many classes, or, of an
  /// activation, coordinates.
  virtual void require_of_classifier(int64_t classes) const = 0;
};

/// A functional as a value.
class Functional {
 public:
  /// The loss.
  Functional();
  explicit Functional(std::shared_ptr<const FunctionalDefinition> definition)
      : definition_(std::move(definition)) {}

  /// Cross-entropy; of a language model its mean over the predicted tokens.
  static Functional loss();
  /// The sum in place of the mean.
  static Functional loss_sum();

  const FunctionalDefinition* operator->() const { return definition_.get(); }

 private:
  std::shared_ptr<const FunctionalDefinition> definition_;
};

/// Language models: "loss", "loss_sum", "logit:POS:TOKEN", "logit_diff:POS:A:B",
/// "logprob:POS:TOKEN", "logprob_diff" (of minimal pairs), "activation:BLOCK:POS:INDEX" (block 0 is
/// the embedding, L the last of L layers, L + 1 the final norm). Classifiers: "loss", "logit" (all
/// classes), "logit:CLASS", "logit_diff:A:B", "logprob:CLASS"; CLASS may be "label";
/// "activation:WEIGHT" (every coordinate of what the layer of that weight gives, an output each),
/// "activation:WEIGHT:INDEX". Throws UsageError otherwise.
Functional parse_functional(const std::string& text);

}  // namespace explaind
