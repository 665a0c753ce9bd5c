#pragma once
// Two tensors of which config.json says that they are one.

#include <vector>

#include "doctor/finding.hpp"
#include "doctor/weight_pass.hpp"

namespace explaind {

/// Unembeddings that lie beside the embedding to which they are tied, and differ from it. Whether
/// they are tied, also where config.json does not say, and their names are what the model's family
/// has; of a family that is not known Llama's names, where config.json says that they are tied.
std::vector<Finding> find_untied_copies(const std::vector<ExaminedCheckpoint>& checkpoints,
                                        const PassTable& table);

}  // namespace explaind
