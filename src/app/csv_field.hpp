#pragma once
// Texts as fields of a CSV file.

#include <string>

namespace explaind {

/// Quoted where a comma, a quote or a line break would break the row.
inline std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + "\"";
}

}  // namespace explaind
