#pragma once
// The pass over all weights of a series: hashes of files and sums of tensors, by all ranks.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/listener.hpp"
#include "doctor/examined.hpp"
#include "doctor/tensor_sums.hpp"

namespace explaind {

/// Sums of every tensor, by name, at every checkpoint (ascending); null where it is not there.
struct PassTable {
  std::map<std::string, std::vector<const TensorSums*>> tensors;
  std::vector<std::vector<TensorSums>> sums;  ///< per checkpoint, in the order of its tensors
  int64_t files = 0, bytes = 0;
};

/// Reads every file once, from its first byte to its last, and beside it the same tensors at the
/// two checkpoints before, which are in the page cache where there is room for three files. Fills
/// `sha256` of all files. Which rank reads what shows in no bit. Throws Error where reading fails.
/// @collective over world
PassTable pass_over_weights(std::vector<ExaminedCheckpoint>& checkpoints, const Communicator& world,
                            Listener& listener);

}  // namespace explaind
