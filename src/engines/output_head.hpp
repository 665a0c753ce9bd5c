#pragma once
// The last step of a language model: from hidden states to F and back.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engines/evaluation.hpp"
#include "parameters/parameter_source.hpp"
#include "samples/functional.hpp"

namespace explaind {

/// F and ∂F/∂hidden of evaluations, and the scores of the parameters in between.
class OutputHead {
 public:
  virtual ~OutputHead() = default;
  /// Takes `hidden` of every evaluation and sets `gradient`, except where only the value is wanted.
  /// gradients: false where that is so everywhere, on all ranks that open parameters together.
  /// after: what will be opened next, if anything.
  virtual void run(std::span<Evaluation> evaluations, bool gradients, ScoreAccumulator& sink,
                   const std::vector<ParameterRows>& after = {}) = 0;
  /// What run() opens first.
  [[nodiscard]] virtual std::vector<ParameterRows> first() const { return {}; }
};

/// The head of what a functional reads: log-probabilities go through the whole vocabulary, logits
/// through the rows of their tokens, an activation through nothing. References must outlive it.
std::unique_ptr<OutputHead> make_head(const Network& network, ParameterSource& parameters,
                                      const Functional& functional);

/// How many blocks of the chain the functional depends on; all but for an activation.
int64_t depth_of(const Network& network, const Functional& functional);

}  // namespace explaind
