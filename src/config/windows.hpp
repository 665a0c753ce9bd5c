#pragma once
// --window and --stride, which several verbs have.

#include <cstdint>
#include <optional>

namespace explaind {

/// Throws UsageError where one is given without the other, and where windows would leave a gap.
void require_windows(const std::optional<int64_t>& window, const std::optional<int64_t>& stride);

}  // namespace explaind
