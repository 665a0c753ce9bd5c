#pragma once
// What this program is made of.

#include <string>
#include <utility>
#include <vector>

namespace explaind {

/// Name and version of the program and of each library, the program first.
std::vector<std::pair<std::string, std::string>> versions();

}  // namespace explaind
