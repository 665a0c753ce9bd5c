#pragma once
// How far reconstructed predictions are from a model's.

#include <ATen/core/Tensor.h>

namespace explaind {

struct Agreement {
  double accuracy = 0;  ///< share of predictions with the same largest logit
  double divergence =
      0;  ///< mean KL(model ‖ reconstructed), in nats; what rounding makes negative is 0
  double largest_error = 0;  ///< of any logit
};

/// model, reconstructed: … K logits of the same predictions, fp64.
Agreement agreement(const at::Tensor& model, const at::Tensor& reconstructed);

}  // namespace explaind
