#pragma once
// Whether stores answer the same question, so that joined they are one answer.

#include <string>
#include <vector>

#include "copies/merge_source.hpp"

namespace explaind {

/// Throws DataError that names everything in which a store's options, inputs or model differ from
/// the first one's, but for what joining them along this axis makes different: their samples, or
/// their steps and checkpoints. Where files lie does not matter, and how samples were divided into
/// units does not either.
void require_same_question(const std::vector<MergeSource>& sources, const std::string& axis);

/// Less where files lie, and when they were made.
nlohmann::ordered_json without_places(nlohmann::ordered_json files);

}  // namespace explaind
