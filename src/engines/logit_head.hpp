#pragma once
// The logit of one token at one position of each sample, or the difference of two.

#include "engines/output_head.hpp"

namespace explaind {

/// F = ⟨h, U_A⟩, or ⟨h, U_A⟩ − ⟨h, U_B⟩, with h the hidden state at the position and U the
/// unembedding, of which these rows are looked up and no more: two rows where a loss takes the
/// whole vocabulary.
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
  std::vector<int64_t> tokens_;  ///< A, or A and B
};

}  // namespace explaind
