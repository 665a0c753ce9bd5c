#pragma once

#include <string>

namespace explaind {

/// So much for several processes together.
struct SharedLimit {
  double amount = 0;    ///< bytes, or processors
  std::string holder;   ///< equal in all processes that share it, and in no other
  std::string meaning;  ///< what limits, for messages
};

}  // namespace explaind
