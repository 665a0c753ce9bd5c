#pragma once
// How many steps a prediction needs.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "study/agreement.hpp"

namespace explaind {

/// The reconstruction from some of the steps.
struct SparseReconstruction {
  double kept = 0;  ///< share of the steps
  int64_t steps = 0;
  double change = 0;  ///< their share of Σ_s Σ_{x,j} |Δf|
  Agreement agreement;
};

/// changes: per step S … K, what it did to the outputs; start: f(θ_0); end: f(θ_N). Steps with the
/// largest Σ_{x,j} |Δf| are kept first, of equal ones the earlier; of `shares` × N steps the
/// nearest whole number.
std::vector<SparseReconstruction> sparse_reconstructions(const at::Tensor& start,
                                                         const at::Tensor& end,
                                                         const std::vector<at::Tensor>& changes,
                                                         const std::vector<double>& shares);

}  // namespace explaind
