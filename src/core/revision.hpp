#pragma once
// The source this program was built from.

#include <string_view>

namespace explaind {

/// Short git hash, with "-dirty" where tracked files were changed; "unknown" without git. Baked in
/// at build time.
std::string_view revision();

}  // namespace explaind
