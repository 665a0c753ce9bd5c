#include "study/agreement.hpp"

#include <ATen/ATen.h>

namespace explaind {

Agreement agreement(const at::Tensor& model, const at::Tensor& reconstructed) {
  const at::Tensor expected = model.flatten(0, -2), found = reconstructed.flatten(0, -2);
  const at::Tensor same = expected.argmax(1) == found.argmax(1);
  const at::Tensor log_p = at::log_softmax(expected, 1), log_q = at::log_softmax(found, 1);
  const at::Tensor divergence = (log_p.exp() * (log_p - log_q)).sum(1).clamp_min(0);
  return {.accuracy = same.to(at::kDouble).mean().item<double>(),
          .divergence = divergence.mean().item<double>(),
          .largest_error = (expected - found).abs().max().item<double>()};
}

}  // namespace explaind
