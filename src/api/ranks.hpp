#pragma once
// The communicator behind v1::Ranks.

#include "comm/communicator.hpp"
#include "explaind/ranks.hpp"

namespace explaind::v1 {

class Ranks::Impl {
 public:
  explicit Impl(const Communicator& over) : world(over) {}
  const Communicator& world;
};

}  // namespace explaind::v1
