#include "decomposition/functional.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/contract.hpp"
#include "kernels/cross_entropy.hpp"

namespace explaind {
namespace {

/// Loss per position, 0 where nothing is predicted; with `gradient` the logits are overwritten.
template <typename Real>
std::vector<double> token_losses(const MicroBatch& batch, Real* logits, int64_t vocabulary,
                                 bool gradient) {
  const int64_t rows = batch.size() * batch.positions;
  std::vector<double> token(static_cast<size_t>(rows), 0.0);
  at::parallel_for(0, rows, 1, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const int64_t target = batch.targets[static_cast<size_t>(row)];
      Real* row_logits = logits + row * vocabulary;
      double& loss = token[static_cast<size_t>(row)];
      if (target >= 0 && gradient) {
        const double weight = batch.weights[static_cast<size_t>(row / batch.positions)];
        loss = kernels::cross_entropy_backward(row_logits, vocabulary, target, weight);
      } else if (target >= 0) {
        loss = kernels::cross_entropy<Real>(row_logits, vocabulary, target);
      } else if (gradient) {
        std::fill_n(row_logits, vocabulary, Real{0});
      }
    }
  });
  return token;
}

std::vector<double> evaluate(const MicroBatch& batch, const at::Tensor& logits, bool gradient) {
  const int64_t vocabulary = logits.size(2);
  const std::vector<double> token =
      logits.scalar_type() == at::kDouble
          ? token_losses(batch, logits.data_ptr<double>(), vocabulary, gradient)
          : token_losses(batch, logits.data_ptr<float>(), vocabulary, gradient);
  return member_values(batch, token);
}

}  // namespace

std::vector<double> member_values(const MicroBatch& batch, const std::vector<double>& token) {
  std::vector<double> values;
  for (int64_t b = 0; b < batch.size(); ++b) {
    values.push_back(kernels::ordered_sum(token.data() + b * batch.positions, batch.positions) *
                     batch.weights[static_cast<size_t>(b)]);
  }
  return values;
}

std::vector<double> losses(const MicroBatch& batch, const at::Tensor& logits) {
  return evaluate(batch, logits.contiguous(), false);
}

std::vector<double> losses_and_gradient(const MicroBatch& batch, at::Tensor& logits) {
  return evaluate(batch, logits, true);
}

}  // namespace explaind
