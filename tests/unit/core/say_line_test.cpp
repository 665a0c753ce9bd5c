// A line of standard error is one piece: mpirun and other ranks write to the same place.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "core/standard_output.hpp"

namespace explaind {
namespace {

/// What is written to standard error while `action` runs, write by write: a pipe of packets.
template <typename Action>
std::vector<std::string> pieces_written(Action action) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_DIRECT) != 0) return {"no pipe"};
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  action();
  dup2(before, STDERR_FILENO);
  close(before);
  std::vector<std::string> pieces;
  std::array<char, 4096> piece{};
  for (ssize_t got = 0; (got = read(ends[0], piece.data(), piece.size())) > 0;) {
    pieces.emplace_back(piece.data(), static_cast<size_t>(got));
  }
  close(ends[0]);
  return pieces;
}

TEST(SayLine, IsOneWrite) {
  EXPECT_EQ(pieces_written([] {
              say_line("error: rank 1: a.h5: cannot be read");
              say_line("another");
            }),
            (std::vector<std::string>{"error: rank 1: a.h5: cannot be read\n", "another\n"}));
}

}  // namespace
}  // namespace explaind
