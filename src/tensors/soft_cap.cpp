#include "tensors/soft_cap.hpp"

#include <ATen/ATen.h>

namespace explaind {

at::Tensor cap_softly(at::Tensor& logits, double cap, bool with_slope) {
  if (cap == 0) return {};
  logits.div_(cap).tanh_();
  at::Tensor slope;
  if (with_slope) slope = logits.square().neg_().add_(1);
  logits.mul_(cap);
  return slope;
}

}  // namespace explaind
