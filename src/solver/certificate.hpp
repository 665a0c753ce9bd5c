#pragma once
// What a tile says of how well F's change was integrated.

#include <cstddef>
#include <cstdint>

#include "quadrature/plan.hpp"
#include "scores/certificates.hpp"

namespace explaind {

/// Enters one output of a sample (pair: sample of the unit · outputs + output), whose F at both
/// ends is in the tile, into what begin_certificates left: the residual value_to − value_from −
/// sum, and the verdict. Of a sample's outputs the worst one counts (method.md §4). sum: Ψ over all
/// components and positions.
void certify(const SampleVerdict& verdict, double sum, size_t pair, int64_t outputs,
             ScoreTile& tile);

}  // namespace explaind
