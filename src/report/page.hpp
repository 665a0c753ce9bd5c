#pragma once
// The parts of the page that are the same in every report, built into the program.

#include <string_view>
#include <vector>

namespace explaind {

struct PageFile {
  std::string_view name;  ///< "style/plots.css"
  std::string_view text;
};

/// In the order of CMakeLists.txt: the template, styles, D3, scripts, licences.
const std::vector<PageFile>& page_files();

}  // namespace explaind
