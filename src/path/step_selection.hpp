#pragma once
// Which stretches of a series are decomposed: all segments, or those that moved F most.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/selection.hpp"
#include "path/trajectory.hpp"

namespace explaind {

/// What becomes of segments that are not chosen.
enum class StepPolicy {
  drop,   ///< left out; their change of F is reported, not explained
  merge,  ///< neighbours are joined into one longer straight segment: sums over segments stay exact
  sum  ///< neighbours are decomposed one by one and their scores added: components stay exact too
};
StepPolicy parse_step_policy(const std::string& word);

/// --steps: "all", "top:FRACTION" (of the segments, by |ΔF|), "every:N", "list:SELECTION" (of the
/// steps at which segments begin), or "range:FIRST:LAST" (those that begin within it, and no
/// others; either end may be left out).
struct StepSelection {
  enum class Kind { all, top, every, list, range };
  Kind kind = Kind::all;
  double fraction = 1;                 ///< of top, in (0, 1]
  int64_t every = 1;                   ///< at least 1
  std::optional<Selection> list;       ///< of list
  std::optional<int64_t> first, last;  ///< of range

  /// "list:0,10" and "range:0-10" are read too, as stores of earlier versions have them. Throws
  /// UsageError for anything else.
  static StepSelection parse(const std::string& text);
};

/// The segments of a run as pairs of checkpoints, ascending.
///
/// steps: of the checkpoints, N + 1 of them. change: per segment Σ over samples of |ΔF|, N of them;
/// read only for `top` (ties go to the earlier segment). `every:N` keeps segments 0, N, 2N, … under
/// drop, and joins N neighbours each under merge and sum. Of a range the segments stay as they are,
/// under every policy. Throws DataError naming a listed step, or an end of the range, that no
/// segment begins at.
std::vector<PointPair> select_segments(const StepSelection& selection, StepPolicy policy,
                                       const std::vector<int64_t>& steps,
                                       const std::vector<double>& change);

}  // namespace explaind
