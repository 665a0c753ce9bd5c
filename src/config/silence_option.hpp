#pragma once

#include <optional>

#include "config/option.hpp"

namespace explaind {

/// --silence of every verb that several ranks run: seconds.
Option silence_option(std::optional<double>& field);

}  // namespace explaind
