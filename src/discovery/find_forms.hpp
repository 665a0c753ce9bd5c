#pragma once
// What was found, as text to read and as JSON.

#include <nlohmann/json.hpp>
#include <string>

#include "discovery/find.hpp"

namespace explaind {

/// A paragraph a search: the question, what was found or why it cannot be asked, and how it was
/// tested; ends with a line break.
std::string findings_table(const Findings& findings);

/// store, unit, sign, segments, rows, rows_are, part, parts, level, tested, level_of_each,
/// permutations, seed, notes, and findings: name, what, why_not, statistic, test, correction,
/// permutations, tests, level, smallest_p_adjusted, found, rows, said, and what a search adds.
nlohmann::ordered_json findings_json(const Findings& findings);

}  // namespace explaind
