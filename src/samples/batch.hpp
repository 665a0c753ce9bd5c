#pragma once
// Micro-batches: samples side by side, padded on the right, and the functional that is asked of
// them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "samples/sample.hpp"

namespace explaind {

/// F of a sample: the loss of its predicted tokens in nats, their mean or their sum.
enum class Functional { loss, loss_sum };

/// Throws UsageError for an unknown functional, and for one that is planned but not there.
Functional parse_functional(const std::string& word);

/// B samples, T positions. Padding: id 0, target −100; attention is causal, so it is seen by no
/// real position.
struct MicroBatch {
  int64_t positions = 0;           ///< T: the longest sample when the batch was made
  std::vector<int64_t> input_ids;  ///< B T
  std::vector<int64_t> targets;    ///< B T: the label predicted *at* each position, −100 for none
  std::vector<int64_t> lengths;    ///< B
  std::vector<double> weights;     ///< B: F = weight · Σ loss over predicted tokens

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(lengths.size()); }
  /// Some of the members, in the order given, with the padding unchanged (architecture §3: the
  /// padded length decides the rounding).
  [[nodiscard]] MicroBatch subset(std::span<const int64_t> members) const;
  /// Adds the members of another one of the same padded length.
  void append(const MicroBatch& more);
};

/// Padded tokens of the largest micro-batch, of `size` samples each in order.
int64_t largest_micro_batch(std::span<const Sample> samples, int64_t size);

MicroBatch make_micro_batch(std::span<const Sample> samples, Functional functional);

}  // namespace explaind
