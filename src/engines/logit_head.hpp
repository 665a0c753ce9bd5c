#pragma once
// Logits of single tokens at one position of each sample.

#include "engines/output_head.hpp"

namespace explaind {

/// F = Σ factor ⟨h, U_A⟩ over the functional's terms, with h the hidden state at the position and U
/// the unembedding, of which these rows are looked up and no more: two rows of a difference where a
/// loss takes the whole vocabulary.
class LogitHead final : public OutputHead {
 public:
  LogitHead(const Network& network, ParameterSource& parameters, const Functional& functional);
  void run(std::span<Evaluation> evaluations, bool gradients, ScoreAccumulator& sink,
           const std::vector<ParameterRows>& after = {}) override;

 private:
  void run_one(Evaluation& evaluation, ScoreAccumulator& sink);

  const Network& network_;
  ParameterSource& parameters_;
  Functional functional_;
  std::vector<FunctionalTerm> terms_;
  std::vector<int64_t> tokens_;  ///< of the terms
};

}  // namespace explaind
