#include "config/windows.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace explaind {

void require_windows(const std::optional<int64_t>& window, const std::optional<int64_t>& stride) {
  if (!window && stride) {
    throw UsageError("--stride", "says where windows begin, and --window is not given",
                     "Give --window TOKENS too, or leave it out");
  }
  if (!window) return;
  if (!stride) {
    throw UsageError("--window", "needs to know how far apart windows begin",
                     fmt::format("Give --stride TOKENS, at most {}; half of it lets every token "
                                 "but the first ones see {} before it",
                                 *window, *window / 2));
  }
  if (*stride > *window) {
    throw UsageError("--stride",
                     fmt::format("is {}, and windows have {} tokens: those between two would be "
                                 "in none",
                                 *stride, *window),
                     fmt::format("Give at most {}", *window));
  }
}

}  // namespace explaind
