#pragma once
// Options of `explaind report`; defaults here, meanings in the table.

#include <string>

#include "config/option.hpp"

namespace explaind {

struct ReportOptions {
  std::string store;    ///< positional
  std::string against;  ///< positional; empty: none
  std::string output;
  bool anonymous = false, overwrite = false;
};

OptionTable option_table(ReportOptions& options);

}  // namespace explaind
