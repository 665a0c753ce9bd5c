#pragma once
// Options of `explaind plan`: those of decompose, and what it cannot know before the run.

#include <cstdint>
#include <optional>
#include <string>

#include "config/decompose_options.hpp"

namespace explaind {

struct PlanOptions {
  DecomposeOptions decompose;
  std::optional<int64_t> ranks, nodes;
  std::string read_rate = "1GB", network_rate = "1GB";
  std::optional<double> evaluations;
  bool losses = false;
  std::optional<std::string> losses_file;
};

OptionTable option_table(PlanOptions& options);

}  // namespace explaind
