#pragma once
// Arrays as NumPy keeps them in files.

#include <cstdint>
#include <string>
#include <vector>

namespace explaind {

/// What stands before the doubles, row-major, of an .npy file (format 1.0). shape: empty for a
/// single number.
std::string npy_header(const std::vector<int64_t>& shape);

}  // namespace explaind
