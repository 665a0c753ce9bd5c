#pragma once
// Weights that are out of line with their neighbours: of other steps than the name says, or of
// another training.

#include <vector>

#include "doctor/finding.hpp"
#include "doctor/segment_lengths.hpp"

namespace explaind {

/// Tensors, files and checkpoints whose way in and way out do not fit those of the others. `known`:
/// findings that explain what is near them (a file that was found identical is also out of line).
///
/// A tensor of a later step between two neighbours makes the way in longer and the way out shorter
/// than the other tensors' ways; one from beyond them turns back (the cosine between the two ways).
/// Both are compared with how far tensors of one kind differ anyway at that checkpoint.
std::vector<Finding> find_out_of_line(const std::vector<ExaminedCheckpoint>& checkpoints,
                                      const std::vector<Mover>& movers,
                                      const std::vector<std::string>& files,
                                      const std::vector<Finding>& known);

}  // namespace explaind
