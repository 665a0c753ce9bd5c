#pragma once
// What a merged store's file is made of: the first store's, with other lengths.

#include <map>
#include <string>
#include <vector>

#include "copies/merge_axis.hpp"
#include "copies/merge_source.hpp"
#include "copies/outline.hpp"

namespace explaind {

struct MergedOutline {
  Outline outline;
  std::vector<std::string> notes;  ///< what of the stores is not kept, in words
};

/// documents: texts of `provenance` that are written anew, by name. units: of a segment. Throws
/// DataError where a store lacks what another has, has it in another type, or has other labels
/// along an axis that is not joined.
MergedOutline merged_outline(const std::vector<MergeSource>& sources, const MergeAxis& axis,
                             const std::map<std::string, std::string>& documents, int64_t units);

/// Whether a dataset's entries are put together from those of several stores.
bool is_joined(const OutlinedDataset& dataset, const MergeAxis& axis);

}  // namespace explaind
