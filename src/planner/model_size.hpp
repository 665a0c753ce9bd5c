#pragma once
// Sizes that follow from shapes.

#include <cstdint>
#include <vector>

#include "model/network.hpp"

namespace explaind {

/// Elements of these parameters.
double elements_of(const Network& network, const std::vector<ParameterId>& ids);
/// Elements of all parameters.
double elements_of(const Network& network);

}  // namespace explaind
