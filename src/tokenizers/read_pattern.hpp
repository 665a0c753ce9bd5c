#pragma once
// Patterns as tokenizer.json writes them: {"String": …} or {"Regex": …}.

#include <string_view>
#include <vector>

#include "tokenizers/json_part.hpp"
#include "tokenizers/pattern.hpp"

namespace explaind {

/// Throws DataError where it is neither, is empty or broken, or holds what is not covered.
Pattern read_pattern(const JsonPart& part);

/// Pattern::parts; throws DataError naming the pattern where its search takes too long.
std::vector<MatchedPart> parts_of(const Pattern& pattern, std::string_view text,
                                  const JsonPlace& place);

}  // namespace explaind
