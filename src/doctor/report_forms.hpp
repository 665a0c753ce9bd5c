#pragma once
// What the doctor found, as a table to read and as JSON.

#include <nlohmann/json.hpp>
#include <string>

#include "doctor/check_series.hpp"

namespace explaind {

/// A verdict per checkpoint ("ok", "in doubt") with what was found below it, and how many; ends
/// with a line break. `seconds`: how long reading took.
std::string report_table(const CheckReport& report, const std::string& path, double seconds);

/// series, ok, files, bytes, notes; checkpoints: step, path, verdict, findings (numbers into the
/// list), files (name, bytes, sha256); findings: kind, steps, where, text.
nlohmann::ordered_json report_json(const CheckReport& report, const std::string& path);

}  // namespace explaind
