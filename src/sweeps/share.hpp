#pragma once
// How the ranks of a segment group share a unit: whole micro-batches, results exchanged.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "comm/communicator.hpp"
#include "engines/score_accumulator.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// Gives every rank what the others have computed of a round, values per sample and tensor, so that
/// all ranks' plans decide alike. No number is summed between ranks: a sample belongs to one.
/// @collective over group, with the same chunk and asks
void exchange_values(const Communicator& group, const ChunkBatches& chunk,
                     const std::vector<Ask>& asks, ScoreAccumulator& sink);

/// The rank of the group that computes a sample of the chunk.
int owner_of(const ChunkBatches& chunk, int64_t sample, int ranks);

}  // namespace explaind
