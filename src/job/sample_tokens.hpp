#pragma once
// The tokens that positions of a store stand for.

#include <string>

#include "job/problem.hpp"

namespace explaind {

/// [{"ids": […], "pieces": […]}, …], samples in their order: JSON. Pieces are as the tokenizer's
/// file has them, and left out where none can be read. Empty for problems that are no texts.
std::string sample_tokens(const Problem& problem);

}  // namespace explaind
