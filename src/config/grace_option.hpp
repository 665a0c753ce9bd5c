#pragma once

#include <optional>

#include "config/option.hpp"

namespace explaind {

/// --grace of every verb that can be gone on with: seconds after SIGTERM.
Option grace_option(std::optional<double>& field);

}  // namespace explaind
