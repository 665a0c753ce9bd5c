// Everything that can go wrong between NCCL and us, played by a fake library
// (tests/mpi/fake_nccl.cpp).

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "comm/nccl_collectives.hpp"
#include "core/error.hpp"
#include "mpi/fake_stream.hpp"

namespace explaind::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

std::string nccl_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

int calls(const char* counter) {
  void* library = dlopen(EXPLAIND_FAKE_NCCL, RTLD_NOW | RTLD_NOLOAD);
  return reinterpret_cast<int (*)()>(dlsym(library, counter))();
}

class NcclFailures : public ::testing::Test {
 protected:
  ~NcclFailures() override { unsetenv("FAKE_NCCL"); }

  [[nodiscard]] std::unique_ptr<Collectives> make(const std::string& behaviour,
                                                  milliseconds deadline = milliseconds(60000)) {
    setenv("FAKE_NCCL", behaviour.c_str(), 1);
    return make_nccl_collectives(
        world, std::make_unique<FakeQueue>(work),
        {.library = EXPLAIND_FAKE_NCCL, .deadline = deadline, .listening = milliseconds(500)});
  }
  /// "what=RANK:GATHER" of the last rank.
  [[nodiscard]] std::string last(const std::string& what, int gather) const {
    return what + "=" + std::to_string(lost) + ":" + std::to_string(gather);
  }
  void gather(Collectives& group) {
    group.wait(group.start(mine.data(), mine.size(), all.data()));
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(all[i], static_cast<std::byte>(i / mine.size() + 1)) << i;
    }
  }

  const Communicator world{MPI_COMM_WORLD};
  const int lost = world.size() - 1;
  std::shared_ptr<FakeStream> work = std::make_shared<FakeStream>();
  std::vector<std::byte> mine = std::vector<std::byte>(6400, std::byte(world.rank() + 1));
  std::vector<std::byte> all = std::vector<std::byte>(6400 * static_cast<size_t>(world.size()));
};

TEST_F(NcclFailures, NoneAndTheCommunicatorIsGivenBack) {
  auto group = make("");
  gather(*group);
  const int aborts = calls("fake_nccl_aborts"), destroyed = calls("fake_nccl_destroyed");
  group.reset();
  EXPECT_EQ(calls("fake_nccl_aborts"), aborts);
  EXPECT_EQ(calls("fake_nccl_destroyed"), destroyed + 1);
}

TEST_F(NcclFailures, AMissingLibraryIsOneErrorOnAllRanks) {
  const auto load = [&](const std::string& library) {
    return nccl_error_of([&] {
      make_nccl_collectives(world, std::make_unique<FakeQueue>(),
                            {.library = library, .deadline = gather_deadline});
    });
  };
  EXPECT_THAT(load("/nowhere/libnccl.so"),
              AllOf(HasSubstr("/nowhere/libnccl.so: cannot open"), HasSubstr("LD_LIBRARY_PATH")));
  EXPECT_THAT(load("libm.so.6"), AllOf(HasSubstr("libm.so.6"), HasSubstr("ncclGetUniqueId")));
  // On one rank alone.
  EXPECT_THAT(load(world.rank() == lost ? "/nowhere/libnccl.so" : EXPLAIND_FAKE_NCCL),
              HasSubstr("/nowhere/libnccl.so"));
}

TEST_F(NcclFailures, AGatherThatIsPutOnTheStreamLateIsWhole) {
  const auto group = make(last("slow", 0) + " " + last("slow", 1) + " slow=0:2");
  std::vector<std::vector<std::byte>> found(3, all);
  std::vector<Collectives::Gather> gathers;
  // The last rank's part is on its way to the stream, and then waits for this rank.
  if (world.rank() == 0 && lost > 0) std::this_thread::sleep_for(milliseconds(200));
  for (auto& each : found) {
    gathers.push_back(group->start(mine.data(), mine.size(), each.data()));
  }
  for (size_t i : {0, 2, 1}) {
    group->wait(gathers[i]);
    for (size_t at = 0; at < all.size(); ++at) {
      ASSERT_EQ(found[i][at], static_cast<std::byte>(at / mine.size() + 1)) << i << ", " << at;
    }
  }
}

TEST_F(NcclFailures, AGatherFollowsTheWorkThatWasGivenBefore) {
  const auto group = make("");
  std::fill(mine.begin(), mine.end(), std::byte{0});
  work->put([this] {
    std::this_thread::sleep_for(milliseconds(100));
    std::fill(mine.begin(), mine.end(), std::byte(world.rank() + 1));
  });
  gather(*group);
}

TEST_F(NcclFailures, AStuckGatherEndsAtTheDeadlineOnAllRanks) {
  const auto group = make(last("hang", 1), milliseconds(1000));
  gather(*group);
  const int aborts = calls("fake_nccl_aborts");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(nccl_error_of([&] { gather(*group); }),
              AllOf(HasSubstr("gather 1"), HasSubstr("did not end")));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  EXPECT_EQ(calls("fake_nccl_aborts"), aborts + 1);
}

TEST_F(NcclFailures, ARankWhoseCallIsRefusedIsNamedByAll) {
  const auto group = make(last("refuse", 1));
  gather(*group);
  world.barrier();  // a failure would overtake what is under way
  const std::string said = nccl_error_of([&] { gather(*group); });
  EXPECT_THAT(said,
              AllOf(HasSubstr("ncclAllGather: unhandled cuda error"), HasSubstr("says the fake")));
  if (world.rank() != lost) {
    EXPECT_THAT(said, HasSubstr("rank " + std::to_string(lost)));
  }
  world.barrier();
}

TEST_F(NcclFailures, ARankWhoseGatherFailsIsNamedByAll) {
  const auto group = make(last("fail", 1));
  gather(*group);
  world.barrier();
  const std::string said = nccl_error_of([&] { gather(*group); });
  EXPECT_THAT(said, HasSubstr("unhandled system error"));
  if (world.rank() != lost) {
    EXPECT_THAT(said, HasSubstr("rank " + std::to_string(lost)));
  }
  EXPECT_EQ(nccl_error_of([&] { gather(*group); }), said);
  world.barrier();
}

TEST_F(NcclFailures, ARankThatIsGoneIsNamedBeforeTheDeadline) {
  if (world.size() == 1) return;
  std::string behaviour;
  for (int rank = 0; rank < lost; ++rank) behaviour += "remote=" + std::to_string(rank) + ":0 ";
  const auto group = make(behaviour);
  world.barrier();
  if (world.rank() != lost) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(nccl_error_of([&] { gather(*group); }),
                AllOf(HasSubstr("rank " + std::to_string(lost)), HasSubstr("did not come")));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  }
  world.barrier();
}

TEST_F(NcclFailures, AStartThatDoesNotEndIsAnErrorOnAllRanks) {
  const int aborts = calls("fake_nccl_aborts");
  const std::string said = nccl_error_of([&] {
    std::string behaviour;
    for (int rank = 0; rank <= lost; ++rank) behaviour += "start=" + std::to_string(rank) + ":0 ";
    static_cast<void>(make(behaviour, milliseconds(300)));
  });
  EXPECT_THAT(said, AllOf(HasSubstr("the start of NCCL"), HasSubstr("did not end")));
  EXPECT_EQ(calls("fake_nccl_aborts"), aborts + 1);
}

TEST_F(NcclFailures, AStartThatFailsOnOneRankIsAnErrorOnAllRanks) {
  const std::string said = nccl_error_of([&] { static_cast<void>(make(last("no_start", 0))); });
  EXPECT_THAT(said, HasSubstr("unhandled system error"));
  const auto group = make("");  // and the group can begin again
  gather(*group);
}

}  // namespace
}  // namespace explaind::testing
