#include "unit/comm/collectives_cases.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>

#include "core/error.hpp"

namespace explaind::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Of all threads of this process.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Byte i of a rank's part of a gather.
std::byte byte_of(int rank, size_t gather, size_t i) {
  return static_cast<std::byte>((i * 7 + i / 251 + gather * 31 + static_cast<size_t>(rank) * 101) %
                                256);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class CollectivesCase : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    const std::string missing = GetParam().prepare();
    if (!missing.empty()) GTEST_SKIP() << missing;
  }

  /// One gather's memory.
  struct Buffers {
    size_t bytes = 0;
    std::shared_ptr<std::byte> mine, all;
  };

  [[nodiscard]] std::unique_ptr<Collectives> make(milliseconds deadline = milliseconds(60000)) {
    return GetParam().make(world, deadline);
  }

  [[nodiscard]] Buffers buffers(const Collectives& group, size_t gather, size_t bytes) const {
    Buffers made{bytes, GetParam().allocate(bytes),
                 GetParam().allocate(bytes * static_cast<size_t>(group.size()))};
    std::vector<std::byte> values(bytes);
    for (size_t i = 0; i < bytes; ++i) values[i] = byte_of(group.rank(), gather, i);
    GetParam().copy(made.mine.get(), values.data(), bytes);
    return made;
  }

  void expect_whole(const auto& group, size_t gather, const Buffers& found) const {
    const size_t total = found.bytes * static_cast<size_t>(group.size());
    std::vector<std::byte> values(total);
    GetParam().copy(values.data(), found.all.get(), total);
    for (size_t i = 0; i < total; ++i) {
      ASSERT_EQ(values[i], byte_of(static_cast<int>(i / found.bytes), gather, i % found.bytes))
          << "gather " << gather << ", byte " << i;
    }
  }

  const Communicator world{MPI_COMM_WORLD};
};

TEST_P(CollectivesCase, GatherInRankOrder) {
  const auto group = make();
  size_t gather = 0;
  for (const size_t bytes : {size_t{64}, size_t{128}, size_t{64} * 1001, (size_t{3} << 20) + 64}) {
    const Buffers made = buffers(*group, gather, bytes);
    group->wait(group->start(made.mine.get(), bytes, made.all.get()));
    expect_whole(*group, gather++, made);
  }
}

TEST_P(CollectivesCase, SeveralUnderWayEndEachInItsPlace) {
  const auto group = make();
  std::vector<Buffers> made;
  std::vector<Collectives::Gather> gathers;
  for (size_t i = 0; i < 6; ++i) {
    made.push_back(buffers(*group, i, 64 * (1 + (i * 3571) % 5000)));
    gathers.push_back(group->start(made[i].mine.get(), made[i].bytes, made[i].all.get()));
  }
  for (size_t i : {3, 0, 5, 5, 1, 2, 4}) {
    group->wait(gathers[i]);
    expect_whole(*group, i, made[i]);
  }
}

TEST_P(CollectivesCase, DataMoveWhileTheCallerWorks) {
  const auto group = make();
  const Buffers made = buffers(*group, 1, size_t{1} << 22);
  world.barrier();
  const auto gather = group->start(made.mine.get(), made.bytes, made.all.get());
  // The last byte of every part arrives without a call.
  const auto start = Clock::now();
  for (int rank = 0; rank < group->size(); ++rank) {
    const std::byte* last = made.all.get() + (static_cast<size_t>(rank) + 1) * made.bytes - 1;
    std::byte value{};
    while (value != byte_of(rank, 1, made.bytes - 1)) {
      ASSERT_LT(since(start), 20) << "rank " << rank;
      std::this_thread::sleep_for(milliseconds(1));
      GetParam().copy(&value, last, 1);
    }
  }
  group->wait(gather);
  expect_whole(*group, 1, made);
}

TEST_P(CollectivesCase, WaitingIsCountedAndBurnsNoProcessor) {
  if (world.size() == 1) return;
  const auto group = make();
  const Buffers made = buffers(*group, 0, 6400);
  group->wait(group->start(made.mine.get(), made.bytes, made.all.get()));
  world.barrier();
  const double waited = group->count().seconds_waited;
  const bool late = group->rank() == 0;
  if (late) std::this_thread::sleep_for(milliseconds(1000));
  const double before = processor_seconds();
  group->wait(group->start(made.mine.get(), made.bytes, made.all.get()));
  if (late) {
    EXPECT_LT(group->count().seconds_waited - waited, 0.7);
  } else {
    EXPECT_GT(group->count().seconds_waited - waited, 0.7);
    EXPECT_LT(processor_seconds() - before, 0.6) << "of a second: a waiting rank spins";
  }
  EXPECT_EQ(group->count().gathers, 2);
  EXPECT_EQ(group->count().bytes_received, 2 * 6400 * (group->size() - 1));
}

TEST_P(CollectivesCase, AGatherThatIsNotWaitedForEndsWithItsOwner) {
  for (size_t i = 0; i < 3; ++i) {
    auto group = make();
    const Buffers made = buffers(*group, i, 64000);
    group->start(made.mine.get(), made.bytes, made.all.get());
    group->start(made.mine.get(), made.bytes, made.all.get());
    group.reset();
    world.barrier();
    expect_whole(world, i, made);
  }
}

TEST_P(CollectivesCase, WrongUseIsRefused) {
  const auto group = make();
  const Buffers made = buffers(*group, 0, 128);
  EXPECT_THAT(error_of([&] { group->start(made.mine.get(), 100, made.all.get()); }),
              HasSubstr("multiple of 64"));
  EXPECT_THAT(error_of([&] { group->wait(0); }), HasSubstr("never started"));
}

TEST_P(CollectivesCase, ARankThatNeverComesIsNamed) {
  if (world.size() == 1) return;
  const auto group = make(milliseconds(1000));
  const Buffers made = buffers(*group, 0, 64 * 5000);
  group->wait(group->start(made.mine.get(), made.bytes, made.all.get()));
  const int lost = world.size() - 1;
  const auto start = Clock::now();
  const auto gather = [&] {
    return error_of(
        [&] { group->wait(group->start(made.mine.get(), made.bytes, made.all.get())); });
  };
  if (group->rank() != lost) {
    const std::string said = gather();
    EXPECT_THAT(said, AllOf(HasSubstr("rank " + std::to_string(lost)), HasSubstr("did not come"),
                            HasSubstr("gather 1")));
    EXPECT_LT(since(start), 10);
    EXPECT_EQ(gather(), said) << "nothing can be gathered any more";
  }
  world.barrier();
  if (group->rank() == lost) {
    EXPECT_NE(gather(), "nothing was thrown");
  }
}

TEST_P(CollectivesCase, ARankThatGivesUpSaysWhy) {
  if (world.size() == 1) return;
  const auto group = make();
  const Buffers made = buffers(*group, 0, 64 * 5000);
  world.barrier();  // a failure would overtake what is under way
  const int lost = 0;
  const auto start = Clock::now();
  if (group->rank() == lost) {
    group->start(made.mine.get(), made.bytes, made.all.get());
    group->abort("the disk is on fire");
    EXPECT_THAT(error_of([&] { group->start(made.mine.get(), 64, made.all.get()); }),
                HasSubstr("on fire"));
  } else {
    // The first gather may have come through before.
    const std::string said = error_of([&] {
      for (int i = 0; i < 2; ++i) {
        group->wait(group->start(made.mine.get(), made.bytes, made.all.get()));
      }
    });
    EXPECT_THAT(said, AllOf(HasSubstr("rank 0"), HasSubstr("the disk is on fire")));
  }
  EXPECT_LT(since(start), 10);
  world.barrier();
}

TEST_P(CollectivesCase, AFailureIsNotHeardByTheNextGroup) {
  if (world.size() == 1) return;
  const auto give_up_late = [&] {
    auto group = make();
    if (group->rank() == 0) group.reset();  // it has left when the others say why they fail
    world.barrier();
    if (group) group->abort("the disk is on fire");
  };
  give_up_late();
  const auto next = make();
  const Buffers made = buffers(*next, 0, 6400);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(
        error_of([&] { next->wait(next->start(made.mine.get(), made.bytes, made.all.get())); }),
        "nothing was thrown");
  }
  expect_whole(*next, 0, made);
  world.barrier();
}

TEST_P(CollectivesCase, GroupsAreApartAndRanksAreNamedByTheWorld) {
  const Communicator part = world.split(world.rank() == 0 ? 0 : 1);
  const auto group = GetParam().make(part, milliseconds(60000));
  for (size_t i = 0; i < (world.rank() == 0 ? 5U : 2U); ++i) {
    const Buffers made = buffers(*group, i, 6400);
    group->wait(group->start(made.mine.get(), made.bytes, made.all.get()));
    expect_whole(*group, i, made);
  }
  part.barrier();  // a failure would overtake what is under way
  const int lost = world.size() - 1;
  const Buffers made = buffers(*group, 0, 6400);
  if (world.rank() == lost) {
    group->abort("out of memory");
  } else if (world.rank() > 0) {
    EXPECT_THAT(
        error_of([&] { group->wait(group->start(made.mine.get(), made.bytes, made.all.get())); }),
        AllOf(HasSubstr("rank " + std::to_string(lost)), HasSubstr("out of memory")));
  }
  world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Over, CollectivesCase, ::testing::ValuesIn(backends()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace explaind::testing
