#pragma once
// The activation functions by the names that configurations give them.

#include <optional>
#include <string>
#include <vector>

#include "model/ops.hpp"

namespace explaind {

/// In the order in which messages list them.
std::vector<std::string> activation_names();

/// Empty where the name is not known.
std::optional<Activation> activation_named(const std::string& name);

}  // namespace explaind
