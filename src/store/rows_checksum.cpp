#include "store/rows_checksum.hpp"

#include <algorithm>
#include <cstring>

namespace explaind {

void append(std::string& text, const RowsChecksum& run) {
  text.append(reinterpret_cast<const char*>(&run), sizeof(run));
}

uLong combined(uLong so_far, const std::vector<std::string>& of_ranks) {
  std::vector<RowsChecksum> runs;
  for (const std::string& each : of_ranks) {
    std::vector<RowsChecksum> found(each.size() / sizeof(RowsChecksum));
    if (!found.empty()) std::memcpy(found.data(), each.data(), each.size());
    runs.insert(runs.end(), found.begin(), found.end());
  }
  std::sort(runs.begin(), runs.end(),
            [](const RowsChecksum& a, const RowsChecksum& b) { return a.first < b.first; });
  for (const RowsChecksum& run : runs) so_far = crc32_combine(so_far, run.crc, run.bytes);
  return so_far;
}

}  // namespace explaind
