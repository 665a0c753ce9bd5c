#pragma once
// What one optimizer step did to all outputs: ∫₀¹ J(θ_s + tΔ_s) u dt by any rule, by engine C.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/model.hpp"
#include "quadrature/options.hpp"

namespace explaind {

/// S samples whose outputs, K numbers each, are followed.
struct Followed {
  at::Tensor inputs;         ///< S …, as Model::forward takes them, fp64 where they are images
  int64_t micro_batch = 64;  ///< samples that run together
};

/// A step's straight line and what is integrated along it: one fp64 tensor per parameter each.
struct StepLine {
  std::vector<at::Tensor> from, to;  ///< θ_s and θ_{s+1}
  std::vector<at::Tensor> along;     ///< u, the parts of Δ_s that are accounted for
};

struct StepIntegral {
  at::Tensor change;            ///< S K: ∫ J u dt
  double evaluations = 0;       ///< of derivatives, mean over samples
  int64_t met = 0, missed = 0;  ///< samples; neither: limited by precision, or a fixed rule
};

/// f(θ): S K (classes, or T V of a language model), fp64.
at::Tensor outputs_at(const Model& model, const Followed& followed,
                      const std::vector<at::Tensor>& weights);

/// J(θ) u at one point of the line: S K.
at::Tensor derivative_at(const Model& model, const Followed& followed, const StepLine& line,
                         const std::vector<at::Tensor>& along, double t);

/// left_out: S K, what the rest of Δ_s (its rounding) did to the outputs. The adaptive rule's
/// residual is that of f(θ_{s+1}) − f(θ_s) − left_out: it judges the quadrature. Each sample stops
/// on its own when every output has met its tolerance.
StepIntegral integrate_step(const Model& model, const Followed& followed, const StepLine& line,
                            const at::Tensor& left_out, const QuadratureOptions& rule);

}  // namespace explaind
