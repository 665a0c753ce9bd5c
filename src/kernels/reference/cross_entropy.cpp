#include "kernels/cross_entropy.hpp"

#include <algorithm>
#include <cmath>

namespace explaind::kernels {

template <typename Real>
double cross_entropy(const Real* logits, int64_t vocabulary, int64_t target) {
  const double largest = static_cast<double>(*std::max_element(logits, logits + vocabulary));
  double sum = 0;
  for (int64_t v = 0; v < vocabulary; ++v) {
    sum += std::exp(static_cast<double>(logits[v]) - largest);
  }
  return largest + std::log(sum) - static_cast<double>(logits[target]);
}

template <typename Real>
double cross_entropy_backward(Real* logits, int64_t vocabulary, int64_t target, double scale) {
  const double largest = static_cast<double>(*std::max_element(logits, logits + vocabulary));
  const double chosen = static_cast<double>(logits[target]);
  double sum = 0;
  for (int64_t v = 0; v < vocabulary; ++v) {
    const double exponential = std::exp(static_cast<double>(logits[v]) - largest);
    sum += exponential;
    logits[v] = static_cast<Real>(exponential);
  }
  const double factor = scale / sum;
  for (int64_t v = 0; v < vocabulary; ++v) {
    logits[v] = static_cast<Real>(static_cast<double>(logits[v]) * factor);
  }
  // 1 − p from p's own sum rather than by subtracting the rounded p: exact where p is close to 1.
  logits[target] = static_cast<Real>(scale * (std::exp(chosen - largest) / sum - 1.0));
  return largest + std::log(sum) - chosen;
}

template <typename Real>
void add_slice(const Real* logits, int64_t n, SoftmaxSum& total) {
  const double largest = static_cast<double>(*std::max_element(logits, logits + n));
  double sum = 0;
  for (int64_t v = 0; v < n; ++v) sum += std::exp(static_cast<double>(logits[v]) - largest);
  if (largest > total.largest) {
    total.sum = total.sum * std::exp(total.largest - largest) + sum;
    total.largest = largest;
  } else {
    total.sum += sum * std::exp(largest - total.largest);
  }
}

template <typename Real>
void softmax_gradient(Real* logits, int64_t n, const SoftmaxSum& total, int64_t target,
                      double scale) {
  const double factor = scale / total.sum;
  const double chosen = target < 0 ? 0 : static_cast<double>(logits[target]);
  for (int64_t v = 0; v < n; ++v) {
    logits[v] =
        static_cast<Real>(factor * std::exp(static_cast<double>(logits[v]) - total.largest));
  }
  if (target >= 0) {
    logits[target] =
        static_cast<Real>(scale * (std::exp(chosen - total.largest) / total.sum - 1.0));
  }
}

template void add_slice(const float*, int64_t, SoftmaxSum&);
template void add_slice(const double*, int64_t, SoftmaxSum&);
template void softmax_gradient(float*, int64_t, const SoftmaxSum&, int64_t, double);
template void softmax_gradient(double*, int64_t, const SoftmaxSum&, int64_t, double);
template double cross_entropy(const float*, int64_t, int64_t);
template double cross_entropy(const double*, int64_t, int64_t);
template double cross_entropy_backward(float*, int64_t, int64_t, double);
template double cross_entropy_backward(double*, int64_t, int64_t, double);

}  // namespace explaind::kernels
