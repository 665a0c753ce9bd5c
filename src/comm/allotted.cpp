#include "comm/allotted.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#include <string>
#include <vector>

namespace explaind {

Allotment allotted(const Communicator& world, int64_t planned) {
  const MachineLimits mine;
  if (planned > 0 && planned != world.size()) return allotment_of_alike(mine, planned);
  std::vector<std::vector<std::string>> holders;
  for (const std::string& lines :
       world.all_gather(fmt::format("{}", fmt::join(holders_of(mine), "\n")))) {
    std::istringstream in(lines);
    std::vector<std::string>& each = holders.emplace_back();
    for (std::string line; std::getline(in, line);) each.push_back(line);
  }
  return allotment(mine, holders);
}

}  // namespace explaind
