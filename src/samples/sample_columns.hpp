#pragma once
// The columns of a sample besides id, group, text, input_ids, labels and attention_mask.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace explaind {

/// Why a column of a line cannot be passed over: it would change the samples or what is predicted
/// (position_ids other than 0, 1, …, a loss mask, and any other mask of its tokens that is not all
/// ones), or its name is a slip of a known one (lables).
/// Empty where it can: token_type_ids, columns of one's own, null. `tokens`: the number of
/// input_ids of the line, 0 where it has none.
std::string why_not_ignored(const std::string& key, const nlohmann::json& value, size_t tokens);

/// Whether a column of this name has to be read: it is a known one, or some values of it could not
/// be passed over. `messages` aside, which are read where there is nothing else.
bool may_matter(const std::string& key);

}  // namespace explaind
