#pragma once
// Options bound to fields of a struct, with the checks that need nothing but the value.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

/// What every declaration has in common.
struct Declared {
  std::string name, value, help;
  Role role = Role::execution;
  bool required = false;
  bool silent = false;  ///< not of the resolved configuration where it is empty
};

Option text_option(Declared declared, std::string& field);
Option optional_text_option(Declared declared, std::optional<std::string>& field);
/// The value must be one of `words`.
Option word_option(Declared declared, std::string& field, std::vector<std::string> words);
Option flag_option(Declared declared, bool& field);
/// A whole number of at least `least`.
Option integer_option(Declared declared, int64_t& field, int64_t least);
Option optional_integer_option(Declared declared, std::optional<int64_t>& field, int64_t least);
/// A number above `above` (excluded) and at most `most`.
Option number_option(Declared declared, double& field, double above, double most = 1e300);
/// At least 0.
Option optional_number_option(Declared declared, std::optional<double>& field);
/// Items between commas, less those written `\,`. May be given several times; values are joined.
Option list_option(Declared declared, std::vector<std::string>& field);
/// A list of selections (core/selection.hpp), whose `\` stay for their own grammar.
Option selection_option(Declared declared, std::vector<std::string>& field);

}  // namespace explaind
