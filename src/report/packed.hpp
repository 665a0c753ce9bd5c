#pragma once
// Arrays of numbers as a page carries them.

#include <nlohmann/json.hpp>
#include <vector>

namespace explaind {

/// {"shape": […], "f32": BASE64}: single precision, little-endian, row-major. A third of the bytes
/// that decimal digits take; missing values stay NaN.
nlohmann::json packed(const std::vector<size_t>& shape, const std::vector<double>& values);

/// A number of a JSON text, null where it is none.
nlohmann::json number(double value);

}  // namespace explaind
