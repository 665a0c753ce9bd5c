#pragma once
// Options of the verbs that read: query and inspect.

#include <cstdint>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct QueryOptions {
  std::string store;  ///< positional
  std::string variable = "psi";
  std::vector<std::string> sum, group_by, select, absolute;
  std::string similarity;
  int64_t top = 0;
  std::string format = "table";
  std::string columns;
};

OptionTable option_table(QueryOptions& options);

struct InspectOptions {
  std::string path;  ///< positional
  std::string phases;
  bool provenance = false;
};

OptionTable option_table(InspectOptions& options);

}  // namespace explaind
