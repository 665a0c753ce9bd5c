#pragma once
// Options of `explaind study`; defaults here, units and meanings in the table.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct StudyOptions {
  std::string study;  ///< positional
  std::string history;
  int64_t followed_samples = 32;
  std::vector<std::string> rules{"midpoint:10", "midpoint:100", "adaptive"};
  double tolerance = 1e-4;
  double absolute_tolerance = 1e-4;
  int64_t first_nodes = 3, max_nodes = 129, max_kink_nodes = 64;
  std::optional<int64_t> steps;
  int64_t reports = 4;
  bool sparsity = false;
  std::string csv, json;
  int64_t micro_batch = 64, threads = 0;
  std::optional<double> grace, silence;
};

OptionTable option_table(StudyOptions& options);

}  // namespace explaind
