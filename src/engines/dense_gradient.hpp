#pragma once
// Engine B: the gradient of a functional along a segment, for every scalar parameter.
//
// Legend: B predictions that run together, K outputs of each, D parameters.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "model/model.hpp"
#include "quadrature/plan.hpp"

namespace explaind {

/// F of predictions, a scalar with a graph back to the logits (B … K).
using OutputFunctional = std::function<at::Tensor(const at::Tensor& logits)>;

/// Σ weights ⊙ logits; weights: of the logits' shape. One sample and one output: a single 1.
OutputFunctional weighted_outputs(const at::Tensor& weights);
/// Σ_n weights_n · (−log softmax(logits)_n at labels_n), in nats; labels (int64) and weights: the
/// logits' shape without K.
OutputFunctional weighted_losses(const at::Tensor& labels, const at::Tensor& weights);

/// Functionals of the same inputs; they share forward passes.
struct Predictions {
  at::Tensor inputs;  ///< as Model::forward takes them
  std::vector<OutputFunctional> functionals;
};
int64_t functional_count(const std::vector<Predictions>& predictions);

/// A straight piece of the parameters' path, θ(t) = from + t (to − from): one tensor per parameter
/// of the model, all of one floating type, in which everything is computed.
struct Segment {
  std::vector<at::Tensor> from, to;
};

/// G = ∫₀¹ ∇F(θ(t)) dt (method.md §2), in F's unit per unit of the parameter.
struct IntegratedGradient {
  std::vector<at::Tensor> gradient;  ///< per parameter, of its shape; 0 where F does not use it
  SampleVerdict verdict;             ///< F at both ends, its integrals per tensor, nodes, error
};

/// Scores of every functional, in order. Each is integrated with nodes of its own, chosen by the
/// rule from its tensors' directional derivatives; functionals do not influence each other. Cost: a
/// forward and a backward pass with weight gradients per functional and node (the forward one
/// shared by functionals of the same inputs). Memory: D per functional under fixed rules, up to
/// QuadraturePlan::accumulators() times that while a functional's level is not decided. Not
/// collective. Throws UsageError as check_quadrature does.
std::vector<IntegratedGradient> integrate_predictions(const Model& model, const Segment& segment,
                                                      const std::vector<Predictions>& predictions,
                                                      const QuadratureOptions& options);

/// Ψ of every scalar (method.md §2): Δ ⊙ G, one tensor per parameter.
std::vector<at::Tensor> dense_scores(const Segment& segment, const IntegratedGradient& integral);

}  // namespace explaind
