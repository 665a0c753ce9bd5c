#pragma once
// What a merged store says of its making.

#include <map>
#include <string>
#include <vector>

#include "copies/merge_axis.hpp"
#include "copies/merge_source.hpp"

namespace explaind {

struct MergedProvenance {
  std::map<std::string, std::string> attributes;  ///< of the file
  std::map<std::string, std::string> documents;   ///< texts of `provenance`
  std::vector<std::string> run_log;               ///< lines of all stores' runs
  std::vector<std::string> notes;                 ///< what is not kept, in words
};

/// What the stores have in common is said as they say it; `inputs` and the options that may differ
/// are put together; of the rest (`execution`, `hosts`, `libraries`, `ranks`) the first store's is
/// kept. Everything that each says is in the document `merged_from`.
MergedProvenance merged_provenance(const std::vector<MergeSource>& sources, const MergeAxis& axis);

}  // namespace explaind
