#pragma once
// Cross-entropy of one predicted token, with its gradient in place of the logits.

#include <cstdint>

namespace explaind::kernels {

/// −log softmax(logits)[target], in nats; the exponentials are formed and summed in double. logits:
/// V, left unchanged.
template <typename Real>
double cross_entropy(const Real* logits, int64_t vocabulary, int64_t target);

/// The same value; logits become scale · (softmax(logits) − onehot(target)), the gradient of scale
/// · loss. Floor: two reads and one write of V reals, V exponentials.
template <typename Real>
double cross_entropy_backward(Real* logits, int64_t vocabulary, int64_t target, double scale);

}  // namespace explaind::kernels
