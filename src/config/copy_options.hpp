#pragma once
// Options of `explaind store repack` and `explaind store merge`; defaults here, meanings in the
// tables.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct RepackOptions {
  std::string store;  ///< positional
  std::string output;
  int64_t compression = 4;
  std::optional<std::string> memory;
  bool overwrite = false;
};

OptionTable option_table(RepackOptions& options);

struct MergeOptions {
  std::vector<std::string> stores;  ///< positional, any number
  std::string output;
  std::optional<std::string> memory;
  bool overwrite = false;
};

OptionTable option_table(MergeOptions& options);

}  // namespace explaind
