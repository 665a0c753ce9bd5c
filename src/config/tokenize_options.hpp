#pragma once
// Options of `explaind tokenize`; defaults here, units and meanings in the table.

#include <cstdint>
#include <optional>
#include <string>

#include "config/option.hpp"

namespace explaind {

struct TokenizeOptions {
  std::string series;  ///< positional
  std::string samples;
  std::optional<std::string> tokenizer;
  std::optional<int64_t> window, stride;
  bool json = false;
};

OptionTable option_table(TokenizeOptions& options);

}  // namespace explaind
