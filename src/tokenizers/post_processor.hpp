#pragma once
// The tokens that a sequence begins and ends with: the post-processor of tokenizer.json.

#include <cstdint>
#include <vector>

#include "tokenizers/json_part.hpp"

namespace explaind {

struct SequenceEnds {
  std::vector<int64_t> before, after;
};

/// For a sequence alone. No tokens where `part` is null. Throws DataError naming a post-processor
/// that is not obeyed.
SequenceEnds read_post_processor(const JsonPart& part);

}  // namespace explaind
