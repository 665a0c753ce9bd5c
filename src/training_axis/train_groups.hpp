#pragma once
// Groups of training samples, and scores summed over them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "samples/sample.hpp"

namespace explaind {

/// Every one of so many training samples by itself, named by its number.
Groups each_sample(int64_t samples);

/// Σ over the samples of each group; a group is told by its number and never by its name's
/// beginning. scores: R B C; samples: B indices into the training data. Returns R × groups × C.
at::Tensor sum_groups(const at::Tensor& scores, const std::vector<int64_t>& samples,
                      const Groups& groups);

}  // namespace explaind
