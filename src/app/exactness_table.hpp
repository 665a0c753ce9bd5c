#pragma once
// What `explaind study exactness` prints and writes.

#include <nlohmann/json.hpp>
#include <string>

#include "study/exactness.hpp"

namespace explaind {

/// The table, and what lies along the way and of sparsity where there is any.
std::string exactness_text(const Exactness& study);
/// One header line, one line a rule and report.
std::string exactness_csv(const Exactness& study);
/// Everything; about: what the numbers are of.
nlohmann::json exactness_json(const Exactness& study, const nlohmann::json& about);

}  // namespace explaind
