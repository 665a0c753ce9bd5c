# cmake -DD3=FILE -DFOLDER=DIR "-DFILES=a;b" -DOUTPUT=page.cpp -P embed_page.cmake
# Writes the page's files, and D3 before the first script, as texts of a C++ source.
set(parts "")
set(has_d3 FALSE)
macro(embed name path)
  file(READ "${path}" text)
  string(APPEND parts "      {\"${name}\", R\"__page__(${text})__page__\"},\n")
endmacro()
foreach(file IN LISTS FILES)
  if(file MATCHES "[.]js$" AND NOT has_d3)
    embed(d3.min.js "${D3}")
    set(has_d3 TRUE)
  endif()
  embed(${file} "${FOLDER}/${file}")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed_page.cmake.
#include \"report/page.hpp\"

namespace explaind {

const std::vector<PageFile>& page_files() {
  static const std::vector<PageFile> files{
${parts}  };
  return files;
}

}  // namespace explaind
")
