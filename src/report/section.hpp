#pragma once
// A section of a report: one file here that makes its data, one in page/sections/ that draws it.
//
// To add one: write sections/NAME.cpp with a function of this kind, declare and list it in
// sections.cpp, and write page/sections/NAME.js, which calls section("NAME", …). Both lists of
// files are in CMakeLists.txt. Sections appear in the order of the JavaScript files.

#include <nlohmann/json.hpp>
#include <vector>

#include "report/report_source.hpp"

namespace explaind {

struct Section {
  const char* name;
  /// What the page draws; null where the store has nothing of the kind.
  nlohmann::json (*make)(const ReportSource& source);
};

const std::vector<Section>& sections();

}  // namespace explaind
