#pragma once
// Options of `explaind report`; defaults here, meanings in the table.

#include <string>

#include "config/option.hpp"

namespace explaind {

struct ReportOptions {
  std::string store;    ///< positional
  std::string against;  ///< positional; empty: none
  std::string output;
  std::string figures;  ///< a folder for SVG files; empty: none
  bool anonymous = false, overwrite = false;
};

OptionTable option_table(ReportOptions& options);

}  // namespace explaind
