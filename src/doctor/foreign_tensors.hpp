#pragma once
// Single tensors whose way in and way out do not fit those of their kind.

#include <vector>

#include "doctor/kind_ratios.hpp"
#include "doctor/suspect.hpp"

namespace explaind {

/// Tensors whose ratio differs from their kind's far more than such ratios do; those that have
/// hardly any of their kind by the pattern of their ratio against all tensors'.
std::vector<Suspect> foreign_tensors(const KindRatios& ratios);

}  // namespace explaind
