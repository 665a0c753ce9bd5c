#pragma once
// What every implementation of Collectives must do, and the implementations that it is asked of.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/collectives.hpp"
#include "comm/communicator.hpp"

namespace explaind::testing {

/// Ranks of one machine answer at once.
inline constexpr std::chrono::milliseconds short_listening(500);

struct Backend {
  std::string name;
  /// Makes this rank ready for it; says what is missing, if anything.
  std::function<std::string()> prepare;
  std::function<std::unique_ptr<Collectives>(const Communicator&, std::chrono::milliseconds)> make;
  /// Memory that it gathers, and copies from and to it.
  std::function<std::shared_ptr<std::byte>(size_t)> allocate;
  std::function<void(std::byte* to, const std::byte* from, size_t bytes)> copy;
};

/// Of this test program.
std::vector<Backend> backends();

}  // namespace explaind::testing
