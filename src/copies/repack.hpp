#pragma once
// explaind store repack: the same store in compressed chunks.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "copies/copied_data.hpp"
#include "copies/copy_watch.hpp"

namespace explaind {

struct RepackRequest {
  std::filesystem::path store, output;
  int deflate = 4;  ///< 0 to 9; 0: chunks as they are
  CopyMemory memory = {};
};

/// What became of it.
struct Repacked {
  uint64_t bytes_before = 0, bytes_after = 0;  ///< of the files
  int64_t units = 0, committed = 0;
  std::string not_compared = {};  ///< why checksums of units were not
};

/// Copies everything that the file holds, reads it again, compares it with what was read first and
/// with the checksums of its units, and only then gives it its name; the caller has claimed that
/// and made sure that it may be replaced. Throws DataError: unreadable, damaged, no space;
/// StopRequested.
Repacked repack_store(const RepackRequest& request, CopyWatch& watch);

}  // namespace explaind
