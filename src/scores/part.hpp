#pragma once
// The parts of psi: what of the update a contribution comes from.

#include <string>
#include <vector>

namespace explaind {

/// Where a part of psi comes from (method.md §2, §6b); psi is the sum of its parts.
enum class Part {
  decay,     ///< weight decay: ψ^reg
  momentum,  ///< the optimizer's memory of what came before the training data at hand
  rounding,  ///< float rounding of the update as it was applied
  data       ///< training data
};

/// All of them, in the order of a store's variables and of its checksum.
inline constexpr Part all_parts[] = {Part::decay, Part::momentum, Part::rounding, Part::data};

/// "psi_decay", "psi_momentum", "psi_rounding", "psi_data".
std::string variable_of(Part part);

/// A part that a run keeps.
struct KeptPart {
  Part part = Part::data;
  std::string assumptions;  ///< empty: exact; else the part is an estimate, under these
  std::string step_index;   ///< of data over several steps: "applied", "origin" (method.md §5 D)
};

/// Scores of one part, laid out as ScoreTile says.
struct PartScores {
  Part part = Part::data;
  std::vector<double> scores;
};

}  // namespace explaind
