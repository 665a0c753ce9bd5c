#include "tensors/soft_cap.hpp"

#include <ATen/ATen.h>

namespace explaind {

at::Tensor cap_softly(at::Tensor& logits, double cap) {
  if (cap == 0) return {};
  const at::Tensor bent = at::tanh(logits / cap);
  logits = bent * cap;
  return 1 - bent.square();
}

}  // namespace explaind
