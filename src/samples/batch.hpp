#pragma once
// Micro-batches: samples side by side, padded on the right, and what is predicted of them.

#include <cstdint>
#include <span>
#include <vector>

#include "samples/functional.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// B sequences, T positions: a sequence is a sample, or one of the two sentences of a minimal pair,
/// which stand one after the other. Padding: id 0, target −100; attention is causal, so it is seen
/// by no real position.
struct MicroBatch {
  int64_t positions = 0;           ///< T: the longest sequence when the batch was made
  std::vector<int64_t> input_ids;  ///< B T
  std::vector<int64_t> targets;    ///< B T: the label predicted *at* each position, −100 for none
  std::vector<int64_t> lengths;    ///< B
  /// B: F = weight · Σ loss over predicted tokens, added up over a sample's sequences; −1 for a
  /// log-probability.
  std::vector<double> weights;
  int64_t of_sample = 1;  ///< sequences of each sample: two where these are pairs

  /// Sequences, and samples.
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(lengths.size()); }
  [[nodiscard]] int64_t samples() const { return size() / of_sample; }
  /// Some of the samples, in the order given, with the padding unchanged (architecture §3: the
  /// padded length decides the rounding).
  [[nodiscard]] MicroBatch subset(std::span<const int64_t> members) const;
  /// Adds the samples of another one of the same padded length.
  void append(const MicroBatch& more);
};

/// Padded tokens of samples that run together.
int64_t padded_tokens(std::span<const Sample> samples);

/// Padded tokens of the largest micro-batch, of `size` samples each in order.
int64_t largest_micro_batch(std::span<const Sample> samples, int64_t size);

/// Pairs of positions, padded ones too, added up over the sequences of the micro-batch that has the
/// most of them.
int64_t most_position_pairs(std::span<const Sample> samples, int64_t size);

/// Of a log-probability one token is predicted, and of logits and activations none. Throws
/// DataError naming the sample in which there is no such position.
MicroBatch make_micro_batch(std::span<const Sample> samples, const Functional& functional);

/// Where F, which has a position, is read in a sample of so many tokens, from 0; outside of it
/// where the sample has no such position.
int64_t position_in(int64_t length, const Functional& functional);

}  // namespace explaind
