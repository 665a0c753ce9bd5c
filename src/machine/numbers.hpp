#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace explaind {

/// A variable's whole number; nothing where it is not set, or is something else.
inline std::optional<int64_t> number_of(const char* text) {
  if (text == nullptr) return std::nullopt;
  int64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, code] = std::from_chars(text, end, value);
  return code == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace explaind
