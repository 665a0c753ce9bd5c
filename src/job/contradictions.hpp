#pragma once
// What the scores of a recorded run say against its record.

#include <ostream>

#include "model/model.hpp"
#include "path/path.hpp"
#include "path/trajectory.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// Prints a line where the store holds psi_rounding and Σ |psi_rounding| exceeds 1 % of Σ |psi|,
/// both over everything that is stored, and more than storing the weights can have rounded: the
/// run's steps are not what its optimizer makes of the batches, learning rates and clip factors
/// that were recorded. Reads both variables once, a block at a time, and then the weights of up to
/// 16 segments of the path.
void print_contradictions(const StoreReader& store, const Path& path, const Trajectory& trajectory,
                          const Model& model, std::ostream& out);

}  // namespace explaind
