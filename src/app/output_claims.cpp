#include "app/output_claims.hpp"

#include <filesystem>
#include <iostream>

namespace explaind {

ClaimWait spoken_wait() {
  return {.patience = {},
          .say = [](const std::string& line) { std::cerr << line << std::endl; },
          .times = {}};
}

std::vector<PathClaim> claim_outputs(const std::vector<std::string>& files) {
  namespace fs = std::filesystem;
  std::vector<PathClaim> claims;
  for (const std::string& file : files) {
    if (file.empty() || (fs::exists(file) && !fs::is_regular_file(file))) continue;
    claims.push_back(PathClaim::take(file, spoken_wait()));
  }
  return claims;
}

}  // namespace explaind
