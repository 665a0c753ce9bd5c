#pragma once
// Sizes that follow from shapes.

#include <cstdint>
#include <span>
#include <vector>

#include "model/network.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// Elements of these parameters.
double elements_of(const Network& network, const std::vector<ParameterId>& ids);
/// Elements of all parameters.
double elements_of(const Network& network);
/// Tokens of samples that are padded to the longest.
int64_t padded_tokens(std::span<const Sample> samples);

}  // namespace explaind
