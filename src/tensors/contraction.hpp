#pragma once
// Engine A's contractions of one operation, over a micro-batch, by threads or on a device.
//
// Legend: B members of the micro-batch, T its padded positions, N outputs of the operation (or
// inputs, where heads are columns).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "scores/component.hpp"
#include "tensors/device.hpp"

namespace explaind {

/// Sums of δ ⊙ z in fp64, in host memory. On a device they are on their way until
/// Device::synchronize().
struct Contracted {
  at::Tensor whole;  ///< B: over positions and outputs
  /// B n or, where positions are kept, B T n with n parts of the outputs; positions past a member's
  /// end are not to be read. Undefined where not wanted, and where `whole` says it all.
  at::Tensor parts;
};

/// What is to be left unsummed. count: n of Contracted::parts.
struct Kept {
  Division division = Division::whole;
  int64_t count = 1;
  bool positions = false, parts = true;  ///< parts: false where only `whole` is wanted
};

class Contraction {
 public:
  explicit Contraction(const Device& device) : device_(device) {}

  /// How many positions of each member exist: B. The rest is padding and never read. A length may
  /// be beyond an operation's positions: all of them exist then.
  void set_lengths(std::vector<int64_t> lengths);

  /// delta: B T N; z: the same, or N, which stands for every position. Both contiguous, fp32 or
  /// fp64.
  [[nodiscard]] Contracted operator()(const at::Tensor& delta, const at::Tensor& z,
                                      const Kept& kept) const;
  /// Σ over the last axis alone: B T, positions past a member's end not to be read.
  [[nodiscard]] at::Tensor by_position(const at::Tensor& delta, const at::Tensor& z) const;

  /// Sums over the last axis of tensors without positions: B O P each, P pixels. Returns B O, in
  /// order on the host; not set_lengths's business.
  [[nodiscard]] at::Tensor over_pixels(const at::Tensor& delta, const at::Tensor& z) const;

  [[nodiscard]] const Device& device() const { return device_; }

 private:
  /// Lengths for an operation of so many positions, on the host.
  [[nodiscard]] std::vector<int64_t> lengths_within(int64_t positions) const;
  /// These lengths where the device is.
  [[nodiscard]] at::Tensor lengths_there(int64_t positions) const;

  Device device_;
  std::vector<int64_t> lengths_;
  at::Tensor lengths_there_;  ///< on a device
};

}  // namespace explaind
