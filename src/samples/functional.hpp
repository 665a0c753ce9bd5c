#pragma once
// What is explained: a differentiable number F of a prediction sample.

#include <cstdint>
#include <string>

namespace explaind {

/// F of a sample, in nats, of which logits are log-odds; an activation is in its own unit.
struct Functional {
  enum Kind {
    loss,        ///< cross-entropy; of a language model its mean over the predicted tokens
    loss_sum,    ///< the sum in place of the mean
    logit,       ///< of one class, or of one token at one position; of every class
    logit_diff,  ///< logit(first) − logit(second)
    logprob,     ///< log-probability of one class, or of one token at one position
    activation   ///< one coordinate of a block's output at one position; of a classifier one of a
                 ///< layer's output, or every one
  };
  /// In place of a class: the sample's own label.
  static constexpr int64_t own_label = -1;
  /// In place of a class: every one of them, an output each.
  static constexpr int64_t every_class = -2;

  // NOLINTNEXTLINE(google-explicit-constructor): most functionals are a kind and nothing more.
  Functional(Kind of_kind = loss) : kind(of_kind) {}

  Kind kind;
  bool positioned = false;  ///< says a position, as those of a language model do
  int64_t position = 0;     ///< in the sample; negative: from its end
  int64_t first = 0;        ///< class, token or block
  int64_t second = 0;       ///< of logit_diff; of a block's activation its coordinate
  std::string layer;        ///< of a classifier's activation: the layer's weight by name

  bool operator==(const Functional&) const = default;
};

/// Language models: "loss", "loss_sum", "logit:POS:TOKEN", "logit_diff:POS:A:B",
/// "logprob:POS:TOKEN", "activation:BLOCK:POS:INDEX" (block 0 is the embedding, L the last of L
/// layers, L + 1 the final norm). Classifiers: "loss", "logit" (all classes), "logit:CLASS",
/// "logit_diff:A:B", "logprob:CLASS"; CLASS may be "label"; "activation:WEIGHT" (every coordinate
/// of what the layer of that weight gives, an output each), "activation:WEIGHT:INDEX". Throws
/// UsageError otherwise.
Functional parse_functional(const std::string& text);

/// Throws UsageError where it is not one of a language model of that vocabulary, blocks and width.
void require_of_language_model(const Functional& functional, int64_t vocabulary, int64_t blocks,
                               int64_t width);
/// Throws UsageError where it is not one of a classifier of so many classes, or, of an activation,
/// coordinates.
void require_of_classifier(const Functional& functional, int64_t classes);

}  // namespace explaind
