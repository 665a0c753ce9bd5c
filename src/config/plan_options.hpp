#pragma once
// Options of `explaind plan`: those of decompose, and what it cannot know before the run.

#include <cstdint>

#include "config/decompose_options.hpp"

namespace explaind {

struct PlanOptions {
  DecomposeOptions decompose;
  int64_t ranks = 1;
  double evaluations = 12;
};

OptionTable option_table(PlanOptions& options);

}  // namespace explaind
