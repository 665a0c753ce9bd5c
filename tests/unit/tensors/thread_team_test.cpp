#include "tensors/thread_team.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <vector>

namespace explaind {
namespace {

constexpr double large = 1e12;

TEST(ThreadTeam, EveryPieceIsDoneOnceWhateverTheNumberOfThreads) {
  for (const int threads : {1, 2, 4}) {
    const ThreadTeam team(threads);
    for (const int64_t pieces : {0, 1, 2, 3, 100}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(pieces));
      share_pieces(pieces, large, [&](int64_t piece) { ++done[static_cast<size_t>(piece)]; });
      for (const std::atomic<int>& each : done) EXPECT_EQ(each, 1);
    }
  }
}

TEST(ThreadTeam, RangesCoverTheWhole) {
  const ThreadTeam team(3);
  std::vector<std::atomic<int>> seen(101);
  share_ranges(101, 10, large, [&](int64_t begin, int64_t end) {
    EXPECT_LE(end - begin, 10);
    for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
  });
  for (const std::atomic<int>& each : seen) EXPECT_EQ(each, 1);
}

TEST(ThreadTeam, SmallWorkIsLeftToTheCaller) {
  const ThreadTeam team(4);
  const std::thread::id caller = std::this_thread::get_id();
  for (int i = 0; i < 100; ++i) {
    share_pieces(8, 1.9 * piece_work,
                 [&](int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
  }
  EXPECT_EQ(team.shared(), 0);
  EXPECT_EQ(team.used(), 1);
  EXPECT_NE(team.account().find("1 of 4"), std::string::npos);
}

/// Pieces that wait for each other end only when two threads have them.
TEST(ThreadTeam, LargeWorkIsShared) {
  const ThreadTeam team(2);
  std::atomic<int> begun = 0;
  share_pieces(2, 2 * piece_work, [&](int64_t) {
    ++begun;
    while (begun < 2) std::this_thread::yield();
  });
  EXPECT_EQ(team.shared(), 1);
  EXPECT_EQ(team.used(), 2);
}

TEST(ThreadTeam, LibTorchHasOneThreadEverywhere) {
  at::set_num_threads(3);
  const ThreadTeam team(2);
  EXPECT_EQ(at::get_num_threads(), 1);
  std::atomic<int> begun = 0;
  share_pieces(2, large, [&](int64_t) {
    ++begun;
    while (begun < 2) std::this_thread::yield();
    EXPECT_EQ(at::get_num_threads(), 1);
  });
}

TEST(ThreadTeam, WhatSharesWithinAPieceIsDoneByItsThread) {
  const ThreadTeam team(2);
  std::atomic<int> inner = 0;
  share_pieces(4, large, [&](int64_t) {
    const std::thread::id mine = std::this_thread::get_id();
    share_pieces(3, large, [&](int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), mine);
      ++inner;
    });
  });
  EXPECT_EQ(inner, 12);
}

TEST(ThreadTeam, AFailureOfAPieceIsTheCallers) {
  const ThreadTeam team(3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(share_pieces(50, large,
                              [](int64_t piece) {
                                if (piece == 31) throw std::runtime_error("piece");
                              }),
                 std::runtime_error);
  }
  std::atomic<int> after = 0;
  share_pieces(5, large, [&](int64_t) { ++after; });
  EXPECT_EQ(after, 5);
}

TEST(ThreadTeam, TheTeamBeforeIsThereAgain) {
  const ThreadTeam outer(2);
  { const ThreadTeam inner(1); }
  share_pieces(2, large, [](int64_t) {});
  EXPECT_EQ(outer.shared(), 1);
}

}  // namespace
}  // namespace explaind
