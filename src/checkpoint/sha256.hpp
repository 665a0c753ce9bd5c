#pragma once
// SHA-256 of bytes, for the identification of inputs.

#include <cstddef>
#include <span>
#include <string>

namespace explaind {

/// 64 hexadecimal digits.
std::string sha256_of(std::span<const std::byte> bytes);

}  // namespace explaind
