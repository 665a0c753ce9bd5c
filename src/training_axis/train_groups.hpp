#pragma once
// Groups of training samples, and scores summed over them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "datasets/dataset.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// The training samples of each class, named "class.0", "class.1", …: every class that occurs, in
/// ascending order. Only for data with one label a sample; throws UsageError otherwise.
Groups class_groups(const Dataset& data);

/// Σ over the samples of each group; a group is told by its number and never by its name's
/// beginning. scores: F B C; samples: B indices into the training data. Returns F × groups × C.
at::Tensor sum_groups(const at::Tensor& scores, const std::vector<int64_t>& samples,
                      const Groups& groups);

}  // namespace explaind
