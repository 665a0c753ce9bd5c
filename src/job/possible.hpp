#pragma once
// What cannot be asked of a subject, though the options alone do not show it.

#include "job/problem.hpp"

namespace explaind {

/// Of a problem whose samples are open. Throws UsageError for an axis that the path or the
/// functional does not have, a functional of other models, ways of computing that the model does
/// not have; DataError for a sample without the position that F is read at.
void require_possible(const Problem& problem);

/// A staged series has two checkpoints at a time, and each is brought once. Throws UsageError for a
/// choice of steps that needs more.
void require_stageable(const Problem& problem);

}  // namespace explaind
