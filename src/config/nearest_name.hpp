#pragma once
// What was probably meant by a name that is not known.

#include <string>
#include <vector>

namespace explaind {

/// "Did you mean decompose?" where a known name begins alike or differs by few letters; else
/// `otherwise`.
std::string suggestion(const std::string& name, const std::vector<std::string>& known,
                       const std::string& otherwise);

}  // namespace explaind
