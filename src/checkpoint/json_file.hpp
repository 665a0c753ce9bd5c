#pragma once
// JSON files that others wrote, read with suspicion.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace explaind {

/// The whole file. Throws DataError where it cannot be read.
std::string read_text_file(const std::filesystem::path& path);

/// `where` names the file in messages. Throws DataError: broken JSON or UTF-8, a key given twice in
/// one object (JSON parsers keep either one, silently), nesting deeper than 64.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// parse_json of a file that must hold one JSON object.
nlohmann::json read_json_object(const std::filesystem::path& path);

/// The message of a nlohmann exception without its "[json.exception…] " mark.
std::string json_problem(const nlohmann::json::exception& error);

}  // namespace explaind
