#pragma once
// Random damage to a file, by a generator of the test's own.

#include <cstddef>
#include <random>
#include <string>

namespace explaind::testing {

/// One to four changes: another byte, another bit, a few bytes gone, a few of them twice. Never
/// empty. The same of the same generator.
inline std::string damaged(std::string bytes, std::mt19937_64& random) {
  for (uint64_t change = random() % 4 + 1; change > 0; --change) {
    const size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, random() % 9);
        break;
      default:
        bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 9));
        break;
    }
    if (bytes.empty()) bytes = "P";
  }
  return bytes;
}

}  // namespace explaind::testing
