#pragma once
// Options of `explaind tokenize`; defaults here, units and meanings in the table.

#include <optional>
#include <string>

#include "config/option.hpp"

namespace explaind {

struct TokenizeOptions {
  std::string series;  ///< positional
  std::string samples;
  std::optional<std::string> tokenizer;
  bool json = false;
};

OptionTable option_table(TokenizeOptions& options);

}  // namespace explaind
