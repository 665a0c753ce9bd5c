#pragma once
// Scores of scalars, added up to components.
//
// Legend: L leading entries (samples, functionals; 1), C components.

#include <ATen/core/Tensor.h>

#include <vector>

#include "parameters/parameter_source.hpp"
#include "scores/component.hpp"

namespace explaind {

/// Adds the scores of some rows of a parameter to their components. scores: L × rows.count × the
/// rest of the parameter's shape; sums: L C (double).
void add_to_components(const ComponentTable& table, const ParameterRows& rows,
                       const at::Tensor& scores, at::Tensor& sums);

/// Sums of the scores of all parameters, one tensor each: C (double).
at::Tensor component_scores(const ComponentTable& table, const std::vector<at::Tensor>& scores);

}  // namespace explaind
