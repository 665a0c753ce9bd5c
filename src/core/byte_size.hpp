#pragma once
// Sizes and times as people read them.

#include <string>

namespace explaind {

/// "512 B", "3.3 GB" (powers of 1000).
std::string format_bytes(double bytes);

/// "0.12 s", "45 s", "2 min 05 s", "3 h 07 min".
std::string format_duration(double seconds);

}  // namespace explaind
