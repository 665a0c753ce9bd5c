#pragma once
// Options of `explaind find`; defaults here, meanings in the table.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct FindOptions {
  std::string store;  ///< positional
  std::vector<std::string> what, groups, select;
  std::string over = "kind";
  double level = 0.05;
  int64_t permutations = 9999, seed = 1;
  std::string format = "table";
  std::optional<std::string> output;
};

OptionTable option_table(FindOptions& options);

}  // namespace explaind
