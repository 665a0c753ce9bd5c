#include "quadrature/chebyshev.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace explaind {
namespace {

/// ∫₀¹ T_k(2t − 1) dt.
double moment(int k) { return k % 2 == 0 ? 1.0 / (1.0 - static_cast<double>(k) * k) : 0.0; }

/// Node i ≤ p/2 of p panels: sin²(πi/2p), reduced to lowest terms first so that levels share nodes
/// to the bit.
double node(int i, int p) {
  if (2 * i == p) return 0.5;
  while (i > 0 && i % 2 == 0 && p % 2 == 0) {
    i /= 2;
    p /= 2;
  }
  const double sine = std::sin(std::numbers::pi * i / (2.0 * p));
  return sine * sine;
}

}  // namespace

ChebyshevLevel::ChebyshevLevel(int n) : n_(n) {
  const int p = n - 1;
  const auto half_at_ends = [p](int i) { return i == 0 || i == p ? 0.5 : 1.0; };
  transform_.resize(static_cast<size_t>(n) * static_cast<size_t>(n));
  for (int j = 0; j < n; ++j) {
    for (int k = 0; k < n; ++k) {
      // The argument is reduced modulo 2p so that large j k lose no digits.
      const double cosine = std::cos(std::numbers::pi * ((j * k) % (2 * p)) / p);
      transform_[place(j, k)] = 2.0 / p * half_at_ends(j) * half_at_ends(k) * cosine;
    }
  }
  nodes_.resize(static_cast<size_t>(n));
  weights_.resize(static_cast<size_t>(n));
  for (int k = 0; k <= p / 2; ++k) {
    double weight = 0;
    for (int j = 0; j < n; ++j) weight += moment(j) * transform_[place(j, k)];
    const auto low = static_cast<size_t>(k), high = static_cast<size_t>(p - k);
    nodes_[low] = node(k, p);
    nodes_[high] = 1 - nodes_[low];
    weights_[low] = weights_[high] = weight;  // mirrored, so that symmetry is exact
  }
  for (int j = 2; j <= 4 * p; j += 2) {
    int fold = (p + j) % (2 * p);
    if (fold > p) fold = 2 * p - fold;
    aliasing_.push_back(std::abs(moment(p + j) - moment(fold)));
  }
}

CoefficientDecay ChebyshevLevel::decay(const std::vector<const double*>& values,
                                       size_t tensors) const {
  const int p = n_ - 1, q = std::max(1, p / 2);
  // Three coefficients, lest one that is 0 by symmetry decide; fewer where that would reach into
  // the middle, with which the end is compared.
  const int end = p >= 8 ? p - 2 : std::max(q + 1, p - 1);
  const auto largest = [&](int first, int last) {  // max over coefficients and tensors
    double size = 0;
    for (int j = std::max(1, first); j <= last; ++j) {
      for (size_t c = 0; c < tensors; ++c) {
        double coefficient = 0;
        for (int k = 0; k < n_; ++k) {
          coefficient += transform_[place(j, k)] * values[static_cast<size_t>(k)][c];
        }
        size = std::max(size, std::abs(coefficient));
      }
    }
    return size;
  };
  CoefficientDecay found;
  found.last = largest(end, p);
  const double middle = std::max({largest(q - 2, q), found.last, 1e-300});
  found.ratio = found.last / middle;
  found.rate = std::min(std::pow(found.ratio, 1.0 / (p - q)), 0.995);
  return found;
}

double ChebyshevLevel::tail(const CoefficientDecay& decay) const {
  double sum = 0;
  for (size_t i = 0; i < aliasing_.size(); ++i) {
    sum += std::pow(decay.rate, 2.0 * static_cast<double>(i + 1)) * aliasing_[i];
  }
  return decay.last * sum;
}

}  // namespace explaind
