#pragma once
// Options of `explaind verify`; defaults here, meanings in the table.

#include <optional>
#include <string>

#include "config/option.hpp"

namespace explaind {

struct VerifyOptions {
  std::string store;  ///< positional
  std::optional<std::string> series, samples, output;
  std::string sample = "5%";
  int64_t seed = 1, threads = 0;
  std::optional<double> silence;
  bool json = false;
};

OptionTable option_table(VerifyOptions& options);

}  // namespace explaind
