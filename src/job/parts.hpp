#pragma once
// Parts of Δ that are told apart: what weight decay, rounding and training data did, beside psi.

#include "job/problem.hpp"

namespace explaind {

/// Gives a problem the parts that are asked for: exact ones of a recorded run, an estimate of decay
/// of a series of weights. Throws UsageError where the path does not say them. Not collective.
void open_parts(Problem& problem);

}  // namespace explaind
