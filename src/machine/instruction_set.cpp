#include "machine/instruction_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <vector>

namespace explaind {
namespace {

/// Of all that a processor has, what libraries choose their loops by.
bool is_chosen_by(const std::string& flag) {
  for (const char* const begin : {"avx", "fma", "amx", "sve", "asimd", "i8mm", "bf16"}) {
    if (flag.rfind(begin, 0) == 0) return true;
  }
  return false;
}

/// The text behind a word of the first processor in /proc/cpuinfo.
std::string of_processor(const std::string& word, const std::filesystem::path& root) {
  std::ifstream in(root / "proc/cpuinfo");
  for (std::string line; std::getline(in, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (line.rfind(word, 0) != 0 || colon == std::string::npos) continue;
    return colon + 2 < line.size() ? line.substr(colon + 2) : "";
  }
  return "";
}

}  // namespace

std::string instruction_set(const Environment& environment, const std::filesystem::path& root) {
  std::string flags = of_processor("flags", root);
  if (flags.empty()) flags = of_processor("Features", root);
  std::vector<std::string> chosen;
  std::istringstream words(flags);
  for (std::string flag; words >> flag;) {
    if (is_chosen_by(flag)) chosen.push_back(flag);
  }
  std::sort(chosen.begin(), chosen.end());
  std::string maker = of_processor("vendor_id", root);
  if (maker.empty()) maker = of_processor("CPU implementer", root);
  std::string said = maker.empty() ? "" : maker + ", ";
  said += fmt::format("{}", fmt::join(chosen, ", "));
  for (const char* const name :
       {"ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA"}) {
    if (const char* value = environment(name)) said += fmt::format(", {}={}", name, value);
  }
  return said;
}

}  // namespace explaind
