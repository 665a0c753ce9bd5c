#pragma once
// Arrays as NumPy keeps them in files.

#include <cstdint>
#include <string>
#include <vector>

namespace explaind {

/// The bytes of an .npy file (format 1.0) of doubles, row-major. shape: empty for a single number.
std::string npy_bytes(const std::vector<int64_t>& shape, const std::vector<double>& values);

}  // namespace explaind
