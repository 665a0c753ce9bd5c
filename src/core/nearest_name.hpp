#pragma once
// What was probably meant by a name that is not known.

#include <string>
#include <vector>

namespace explaind {

/// The known names that begin alike or differ by few letters, each once, the nearest first; at most
/// `most` of them.
std::vector<std::string> nearest_names(const std::string& name,
                                       const std::vector<std::string>& known, size_t most = 3);

/// "Did you mean decompose?" where there is a nearest name; else `otherwise`.
std::string suggestion(const std::string& name, const std::vector<std::string>& known,
                       const std::string& otherwise);

}  // namespace explaind
