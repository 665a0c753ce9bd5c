#pragma once
// What a coordinate holds, at a glance.

#include <string>

#include "store/axis_coordinates.hpp"

namespace explaind {

/// Numbers: "-1 to 3, 5 different", "0, 10, 100". Texts: by first appearance, each with how often
/// it occurs where that is more than once; as many as a reader takes in at a glance.
std::string in_words(const Coordinate& coordinate);

}  // namespace explaind
