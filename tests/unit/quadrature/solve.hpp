#pragma once
// Drives a plan as a unit solver does, and checks the contract of ask and tell on the way.

#include <functional>
#include <vector>

#include "quadrature/plan.hpp"

namespace explaind {

/// One sample: its integrand per tensor, and F at both ends.
struct Problem {
  std::function<std::vector<double>(double)> integrand;
  double from = 0, to = 0;
};

struct Solved {
  std::vector<SampleVerdict> verdicts;
  std::vector<std::vector<double>> nodes;  ///< per sample, ascending: evaluated, replay left out
  /// [sample][accumulator][tensor]: what scores kept per tensor come to.
  std::vector<std::vector<std::vector<double>>> kept;
  std::vector<std::vector<Ask>> rounds;
  int accumulators = 0;
  bool replayed = false;  ///< the last round was a replay
};

Solved solve(const QuadratureOptions& options, const std::vector<Problem>& problems,
             bool scores_follow_tensors = false);

}  // namespace explaind
