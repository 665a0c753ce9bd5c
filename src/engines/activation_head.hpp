#pragma once
// One coordinate of the residual stream as a functional (Corollary 3.3).

#include "engines/output_head.hpp"

namespace explaind {

/// F = h[position, index], h the output of the last block that runs. No parameter comes after it.
class ActivationHead final : public OutputHead {
 public:
  explicit ActivationHead(const Functional& functional) : functional_(functional) {}
  void run(std::span<Evaluation> evaluations, bool gradients, ScoreAccumulator& sink,
           const std::vector<ParameterRows>& after = {}) override;

 private:
  Functional functional_;
};

}  // namespace explaind
