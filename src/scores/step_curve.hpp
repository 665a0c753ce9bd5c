#pragma once
// Which segments of a series moved F most, and how much of its change the first few hold.

#include <cstdint>
#include <vector>

namespace explaind {

/// The segments between neighbouring checkpoints of a series, N of them, the largest change first.
/// The first k are k/N of the segments and hold explained[k − 1] of |ΔF|.
struct StepCurve {
  std::vector<int64_t> from, to;  ///< steps at which they begin and end
  std::vector<double> change;     ///< Σ over samples of |ΔF|, in F's unit
  std::vector<double> explained;  ///< share of Σ over segments of `change`; 0 where nothing changed
};

/// steps: of the checkpoints, N + 1, ascending. change: of the segments in order, N. Of equal
/// changes the earlier comes first.
StepCurve step_curve(const std::vector<int64_t>& steps, const std::vector<double>& change);

}  // namespace explaind
