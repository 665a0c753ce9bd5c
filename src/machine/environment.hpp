#pragma once

#include <functional>

namespace explaind {

/// A variable's value, null where it is not set: std::getenv, or a test's.
using Environment = std::function<const char*(const char*)>;

}  // namespace explaind
