#pragma once
// Regular expressions with their character classes written out.

#include <string>
#include <string_view>

namespace explaind {

/// `pattern` with \p{…}, \s, \w, \d and \b replaced by what they match in the tokenizers library,
/// whose Oniguruma knows newer characters than a distribution's. Throws std::invalid_argument that
/// names a construct whose meaning may differ between the two or that is not covered: other
/// properties than general categories, [:…:], letters beyond ASCII where case is ignored, options
/// other than i and m, conditions, callouts.
std::string with_classes_written_out(std::string_view pattern);

}  // namespace explaind
