#pragma once

#include <string>

namespace explaind {

/// The hash that the linker left in this program, in hexadecimal; other code has another. Empty
/// where it left none.
std::string build_id();

}  // namespace explaind
