#pragma once
// From the final hidden states to F and back: the unembedding in slices of the vocabulary.

#include <span>
#include <vector>

#include "engines/output_head.hpp"

namespace explaind {

/// Rows of the unembedding dealt with at once: of EuroLLM's 128,000 × 2,048, 67 MB in fp32. Sums
/// over slices round as they are cut, so this is a constant and no option.
inline constexpr int64_t vocabulary_slice = 8192;

/// F, ∂F/∂hidden and the unembedding's scores.
///
/// A vocabulary of one slice: logits once, three products. Else two passes over the slices, the
/// first for the log-sum-exp and F, the second for gradient and scores with the logits formed anew:
/// four products, and never more logits than tokens × slice. A slice is opened once a pass,
/// whatever the number of evaluations.
class VocabularyHead final : public OutputHead {
 public:
  /// All references must outlive this.
  VocabularyHead(const Network& network, ParameterSource& parameters)
      : network_(network), parameters_(parameters) {}

  void run(std::span<Evaluation> evaluations, bool gradients, ScoreAccumulator& sink,
           const std::vector<ParameterRows>& after = {}) override;
  [[nodiscard]] std::vector<ParameterRows> first() const override { return {slice(0)}; }

 private:
  void run_whole(std::span<Evaluation> evaluations, ScoreAccumulator& sink,
                 const std::vector<ParameterRows>& after);
  void run_sliced(std::span<Evaluation> evaluations, bool gradients, ScoreAccumulator& sink,
                  const std::vector<ParameterRows>& after);
  [[nodiscard]] ParameterRows slice(int64_t index) const;
  /// Opens slice `index` and asks for the one after it; for `after` at the end.
  ParameterRows open(int64_t index, const std::vector<ParameterRows>& after);
  /// Logits of what is open, at the evaluation's nodes: B T n. response: takes the hidden states
  /// times Δᵀ.
  at::Tensor logits_of(const Evaluation& evaluation, at::Tensor* response = nullptr) const;
  /// The hidden states times a direction of what is open, transposed: B T n.
  [[nodiscard]] at::Tensor direction_response(const Evaluation& evaluation,
                                              int64_t direction) const;
  /// ∂F/∂hidden through what is open. gradient: ∂F/∂logits, B T n.
  [[nodiscard]] at::Tensor gradient_of(const Evaluation& evaluation,
                                       const at::Tensor& gradient) const;
  [[nodiscard]] int64_t slices() const {
    return (network_.vocabulary() + vocabulary_slice - 1) / vocabulary_slice;
  }

  const Network& network_;
  ParameterSource& parameters_;
};

}  // namespace explaind
