#pragma once
// What plan and decompose say of weights that nobody looked at.

#include <string>

#include "job/subject.hpp"

namespace explaind {

/// A line: a series was not checked, and what checks it; empty for a recorded run.
inline std::string not_checked(const Subject& subject) {
  if (!subject.series()) return "";
  return "note: the series is not checked for foreign or damaged weights: explaind inspect SERIES "
         "--check does that\n";
}

}  // namespace explaind
