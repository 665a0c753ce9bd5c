#pragma once
// Options of `decompose`, as the three who own them: subject, question and place.

#include <string>
#include <utility>
#include <vector>

#include "config/decompose_options.hpp"
#include "explaind/question.hpp"

namespace explaind::v1 {

enum class Owner { subject, question, place, call };

/// Whose an option is. Throws UsageError where there is none of that name.
Owner owner_of(const std::string& name);

/// Sets the option. Throws UsageError where it is not `owner`'s, or the value is none of its.
void set_option(DecomposeOptions& options, Owner owner, const std::string& name,
                const std::string& value);

/// All of them together.
DecomposeOptions options_of(const std::vector<std::pair<std::string, std::string>>& subject,
                            const Question& question, const Place& place);

}  // namespace explaind::v1
