#pragma once
// Command line over INI file over default.

#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

/// What the caller must know besides the options that were set.
struct ParseResult {
  bool help = false;
};

/// Sets the table's options from `arguments` (without program and verb) and from the INI file that
/// --config names.
///
/// positional: the options that bare arguments set in turn, between blanks; "" where none is
/// allowed; the last may be a list of any number, "stores...", each argument one item. -o is
/// --output. An INI key that is an option of another verb (`all_names`) is ignored; one of no verb
/// is an error. Throws UsageError: unknown option or key (the nearest is suggested), given twice,
/// impossible value, a required one missing, a command-line option in the file.
ParseResult parse_options(const std::string& verb, const std::vector<std::string>& arguments,
                          const OptionTable& table, const std::string& positional,
                          const std::vector<std::string>& all_names);

/// The option names of every verb.
std::vector<std::string> all_option_names();

}  // namespace explaind
