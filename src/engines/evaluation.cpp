#include "engines/evaluation.hpp"

#include <ATen/ATen.h>

namespace explaind {

at::Tensor Evaluation::ids() const {
  return at::tensor(batch.input_ids, at::kLong).view({batch.size(), batch.positions});
}

}  // namespace explaind
