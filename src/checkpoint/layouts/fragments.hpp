#pragma once
// Tensors whose parts were flattened, as Megatron Core before 0.14 saves its distributed optimizer.

#include <cstdint>
#include <vector>

#include "checkpoint/layouts/tensor_plan.hpp"

namespace explaind {

/// Whether `saved` is a tensor of shape `whole` cut into a grid of fragments, each flattened: a
/// whole [X, Y] of fragments [x, y] is saved as [X / x, Y / y, x y].
bool is_in_fragments(const std::vector<int64_t>& saved, const std::vector<int64_t>& whole);

/// The elements of a run of the whole tensor as runs of the saved one. Pre-condition:
/// is_in_fragments(saved, whole), the run lies inside it.
std::vector<ElementRun> in_fragments(const ElementRun& run, const std::vector<int64_t>& saved,
                                     const std::vector<int64_t>& whole);

}  // namespace explaind
