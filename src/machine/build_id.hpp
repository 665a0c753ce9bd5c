#pragma once

#include <string>

namespace explaind {

/// The hash that the linker left in this program, or in the shared library that this is part of, in
/// hexadecimal; other code has another. Empty where it left none.
std::string build_id();

}  // namespace explaind
