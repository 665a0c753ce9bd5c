#pragma once
// The plain part of YAML in which training programs save their settings.

#include <filesystem>
#include <nlohmann/json.hpp>

namespace explaind {

/// Mappings by indentation, lists of `- item`, and single values: null, true, false, numbers and
/// texts, quoted or not. What a list's items hold besides a single value, and texts of several
/// lines, are null. Throws DataError naming file and line: a key given twice, tabs before a key, a
/// line that is none of these, `{}`, `[]`, anchors and the like in place of a value.
nlohmann::json read_plain_yaml(const std::filesystem::path& path);

}  // namespace explaind
