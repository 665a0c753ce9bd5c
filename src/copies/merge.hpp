#pragma once
// explaind store merge: stores of one question as one store.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "copies/copied_data.hpp"
#include "copies/copy_watch.hpp"

namespace explaind {

struct MergeRequest {
  std::vector<std::filesystem::path> stores;
  std::filesystem::path output;
  CopyMemory memory = {};
};

/// What became of them.
struct Merged {
  std::string axis;  ///< "sample" or "segment"
  int64_t segments = 0, samples = 0;
  uint64_t bytes = 0;
  std::vector<std::string> notes;  ///< what is not kept, and steps that no store has
};

/// Joins stores (merge_axis.hpp) that answer the same question (merge_question.hpp) in a new file,
/// as decompose lays one out, with checksums of units of its own; reads it again, compares it with
/// these, and only then gives it its name; the caller has claimed that and made sure that it may be
/// replaced. Throws DataError: not finished, of another question, something there twice,
/// unreadable, damaged, no space; StopRequested.
Merged merge_stores(const MergeRequest& request, CopyWatch& watch);

}  // namespace explaind
