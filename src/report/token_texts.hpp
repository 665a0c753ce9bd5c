#pragma once
// The tokens of a store's samples, where it keeps them.

#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace explaind {

/// Per sample the pieces of its text, with blanks as blanks, or where the store has ids alone,
/// those in brackets; empty where it has neither. A character that several tokens share stands
/// at the last of them, a dot at the others.
std::vector<std::vector<std::string>> token_texts(const StoreReader& store);

}  // namespace explaind
