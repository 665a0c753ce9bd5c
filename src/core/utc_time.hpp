#pragma once
// The time of day in files: UTC, to the second.

#include <string>

namespace explaind {

/// Now, as 2026-11-23T09:30:00Z.
std::string utc_now();

}  // namespace explaind
