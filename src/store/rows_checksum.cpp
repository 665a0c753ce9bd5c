#include "store/rows_checksum.hpp"

#include <algorithm>

namespace explaind {

uLong combined(uLong so_far, const std::vector<std::vector<RowsChecksum>>& of_ranks) {
  std::vector<RowsChecksum> runs;
  for (const std::vector<RowsChecksum>& each : of_ranks) {
    runs.insert(runs.end(), each.begin(), each.end());
  }
  std::sort(runs.begin(), runs.end(),
            [](const RowsChecksum& a, const RowsChecksum& b) { return a.first < b.first; });
  for (const RowsChecksum& run : runs) so_far = crc32_combine(so_far, run.crc, run.bytes);
  return so_far;
}

}  // namespace explaind
