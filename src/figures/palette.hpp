#pragma once
// Colours that colour-blind readers can tell apart, on white paper; the same as on the report's
// page.

#include <string>

namespace explaind {

inline constexpr const char* ink_colour = "#1f1e1b";
inline constexpr const char* soft_colour = "#68645c";
inline constexpr const char* grid_colour = "#e4e0d8";

/// Of a kind of parameters ("attention"); kinds that have none of their own take spare ones by
/// `place`.
std::string kind_colour(const std::string& kind, size_t place);

/// Of the block `place` of `count`, from dark to light.
std::string layer_colour(size_t place, size_t count);

/// Of a curve among several.
std::string curve_colour(size_t place);

/// Of a signed share from −1 (blue) over 0 (paper) to 1 (orange).
std::string signed_colour(double share);

}  // namespace explaind
