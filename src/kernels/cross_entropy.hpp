#pragma once
// Cross-entropy of one predicted token, with its gradient in place of the logits.

#include <cmath>
#include <cstdint>
#include <limits>

namespace explaind::kernels {

/// −log softmax(logits)[target], in nats; the exponentials are formed and summed in double. logits:
/// V, left unchanged.
template <typename Real>
double cross_entropy(const Real* logits, int64_t vocabulary, int64_t target);

/// Returns the loss as above; logits become scale · (softmax(logits) − onehot(target)), the
/// gradient of scale · loss. Floor: two reads and one write of V reals, V exponentials.
template <typename Real>
double cross_entropy_backward(Real* logits, int64_t vocabulary, int64_t target, double scale);

// Where the vocabulary is dealt with in slices: first add_slice over all of them, then
// softmax_gradient over all of them with the logits formed anew.

/// Σ exp(logit − largest) over the slices seen so far, in double.
struct SoftmaxSum {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  /// log Σ exp(logit).
  [[nodiscard]] double logarithm() const { return largest + std::log(sum); }
};

/// logits: n of one token, left unchanged. Floor: two reads, n exponentials.
template <typename Real>
void add_slice(const Real* logits, int64_t n, SoftmaxSum& total);

/// logits become scale · (softmax − onehot(target)); target: within the slice, or −1. Floor: one
/// read, one write, n exponentials.
template <typename Real>
void softmax_gradient(Real* logits, int64_t n, const SoftmaxSum& total, int64_t target,
                      double scale);

}  // namespace explaind::kernels
