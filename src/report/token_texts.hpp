#pragma once
// The tokens of a store's samples, where it keeps them.

#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace explaind {

/// Per sample the pieces of its text, or where the store has ids alone, those in brackets; empty
/// where it has neither.
std::vector<std::vector<std::string>> token_texts(const StoreReader& store);

}  // namespace explaind
