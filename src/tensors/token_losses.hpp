#pragma once
// F of a micro-batch from its logits, and ∂F/∂logits, by threads or on a device: at once, or in
// slices of the vocabulary.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/cross_entropy.hpp"
#include "samples/batch.hpp"
#include "tensors/device.hpp"

namespace explaind {

/// Cross-entropy F of every member: Σ over predicted tokens of the loss in nats (fp64 sums,
/// ascending positions) times the member's weight (one over its predicted tokens for the mean).
///
/// Use: `whole` alone; or add_slice over all slices, values, then gradient_slice over all slices
/// with the logits formed anew. Legend: B members, T positions, V vocabulary, n rows of a slice.
class TokenLosses {
 public:
  /// batch: must outlive this.
  TokenLosses(const MicroBatch& batch, const Device& device);

  /// logits: B T V. Returns B. With `gradient` the logits are overwritten with ∂F/∂logits, 0 at
  /// positions that predict nothing (padding among them).
  std::vector<double> whole(at::Tensor& logits, bool gradient);

  /// logits: B T n of the vocabulary's ids from `first` on, left unchanged.
  void add_slice(const at::Tensor& logits, int64_t first);
  /// F: B; after the last slice.
  [[nodiscard]] std::vector<double> values() const;
  /// log Σ exp(logits) of every token that is predicted, 0 of others: B T, fp64, on the device;
  /// after the last slice.
  [[nodiscard]] at::Tensor log_sums() const;
  /// Replaces the slice's logits by ∂F/∂logits.
  void gradient_slice(at::Tensor& logits, int64_t first) const;

 private:
  [[nodiscard]] int64_t rows() const { return static_cast<int64_t>(batch_.targets.size()); }
  /// The members' values from the loss of every token (B T, 0 where nothing is predicted).
  [[nodiscard]] std::vector<double> member_values(const std::vector<double>& token) const;
  template <typename Real>
  [[nodiscard]] std::vector<double> whole_here(Real* logits, int64_t vocabulary, bool gradient);
  template <typename Real>
  void add_here(const Real* logits, int64_t n, int64_t first);
  template <typename Real>
  void gradient_here(Real* logits, int64_t n, int64_t first) const;

  const MicroBatch& batch_;
  Device device_;
  // Per token, B T. On the host:
  std::vector<kernels::SoftmaxSum> totals_;
  std::vector<double> chosen_;  ///< the target's logit
  // On a device:
  at::Tensor targets_there_, scales_there_;  ///< int64, fp64
  at::Tensor totals_there_, chosen_there_;   ///< SoftmaxSum as two fp64, fp64
};

}  // namespace explaind
