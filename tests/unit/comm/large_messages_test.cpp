// Messages longer than one MPI call takes, by a communicator whose calls take few bytes. The MPI
// functions are played by this file, which looks at how much goes into one call.

#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/mpi_collectives.hpp"
#include "core/error.hpp"

namespace {

/// Bytes of the largest call since this was set to 0; also of calls from other threads.
std::atomic<size_t> most{0};

void see(int64_t count, MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  const auto bytes = static_cast<size_t>(count) * static_cast<size_t>(size);
  for (size_t before = most; before < bytes && !most.compare_exchange_weak(before, bytes);) {
  }
}

}  // namespace

extern "C" {

int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  see(count, type);
  return PMPI_Bcast(data, count, type, root, comm);
}
int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  see(count, type);
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}
int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
  see(count, type);
  return PMPI_Irecv(data, count, type, from, tag, comm, request);
}
int MPI_Allgatherv(const void* mine, int count, MPI_Datatype type, void* all, const int* counts,
                   const int* places, MPI_Datatype all_type, MPI_Comm comm) {
  int ranks = 0;
  PMPI_Comm_size(comm, &ranks);
  see(std::accumulate(counts, counts + ranks, int64_t{0}), all_type);
  return PMPI_Allgatherv(mine, count, type, all, counts, places, all_type, comm);
}

}  // extern "C"

namespace explaind {
namespace {

constexpr size_t largest = 64;

/// Longer than a call takes, by an odd number of bytes; of rank 1 empty.
std::string text_of(int rank) {
  std::string text(rank == 1 ? 0 : 200 + 7 * static_cast<size_t>(rank), '\0');
  for (size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 31 + static_cast<size_t>(rank));
  return text;
}

class LargeMessages : public ::testing::Test {
 protected:
  LargeMessages() { most = 0; }
  ~LargeMessages() override { EXPECT_LE(most, largest); }

  const Communicator world{MPI_COMM_WORLD, largest};
};

TEST_F(LargeMessages, ABroadcastIsCut) {
  std::string text = world.rank() == 0 ? text_of(0) : "other";
  world.broadcast(text, 0);
  EXPECT_EQ(text, text_of(0));
  std::vector<double> numbers(100), expected(100);
  std::iota(expected.begin(), expected.end(), 1.0);
  const int last = world.size() - 1;
  if (world.rank() == last) numbers = expected;
  world.broadcast(std::span<double>(numbers), last);
  EXPECT_EQ(numbers, expected);
  std::vector<int64_t> integers(33, world.rank() == 0 ? 7 : 0);
  world.broadcast(std::span<int64_t>(integers), 0);
  EXPECT_EQ(integers, std::vector<int64_t>(33, 7));
}

TEST_F(LargeMessages, AGatherOfUnequalTextsIsCut) {
  const std::vector<std::string> all = world.all_gather(text_of(world.rank()));
  ASSERT_EQ(all.size(), static_cast<size_t>(world.size()));
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_EQ(all[static_cast<size_t>(rank)], text_of(rank)) << rank;
  }
}

TEST_F(LargeMessages, AGatherOfUnequalNumbersIsCut) {
  const auto numbers = [](int rank) {
    std::vector<double> made(static_cast<size_t>(90 + 7 * rank));
    std::iota(made.begin(), made.end(), 1000.0 * rank);
    return made;
  };
  const std::vector<std::vector<double>> all = world.all_gather(numbers(world.rank()));
  ASSERT_EQ(all.size(), static_cast<size_t>(world.size()));
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_EQ(all[static_cast<size_t>(rank)], numbers(rank)) << rank;
  }
}

TEST_F(LargeMessages, AnExchangeIsCut) {
  // For rank j, rank i has 3 i + 5 j numbers: 1000 i + 100 j + place.
  const auto block = [](int from, int to) {
    std::vector<double> numbers(static_cast<size_t>(3 * from + 5 * to));
    std::iota(numbers.begin(), numbers.end(), 1000.0 * from + 100.0 * to);
    return numbers;
  };
  std::vector<double> mine;
  std::vector<int64_t> counts;
  for (int to = 0; to < world.size(); ++to) {
    const std::vector<double> numbers = block(world.rank(), to);
    mine.insert(mine.end(), numbers.begin(), numbers.end());
    counts.push_back(static_cast<int64_t>(numbers.size()));
  }
  const auto received = world.exchange(mine, counts);
  ASSERT_EQ(received.size(), static_cast<size_t>(world.size()));
  for (int from = 0; from < world.size(); ++from) {
    EXPECT_EQ(received[static_cast<size_t>(from)], block(from, world.rank())) << from;
  }
}

TEST_F(LargeMessages, AGatherBesideTheWorkIsCut) {
  MpiCollectives gathers(world);
  constexpr size_t bytes = 640;
  std::vector<std::byte> mine(bytes, std::byte(world.rank() + 1));
  std::vector<std::byte> all(bytes * static_cast<size_t>(world.size()));
  mine.back() = std::byte(200 + world.rank());
  gathers.wait(gathers.start(mine.data(), bytes, all.data()));
  for (size_t i = 0; i < all.size(); ++i) {
    const auto rank = static_cast<int>(i / bytes);
    ASSERT_EQ(all[i], i % bytes == bytes - 1 ? std::byte(200 + rank) : std::byte(rank + 1)) << i;
  }
}

TEST_F(LargeMessages, AnErrorIsAgreedOnWhole) {
  const std::string expected(500, 'x');
  try {
    agree(world, [&] { throw Error("", expected, ""); });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), expected);
  }
}

TEST_F(LargeMessages, PartsOfASplitAreCutToo) {
  const Communicator part = world.split(world.rank() % 2);
  std::string text = part.rank() == 0 ? text_of(0) : "";
  part.broadcast(text, 0);
  EXPECT_EQ(text, text_of(0));
}

}  // namespace
}  // namespace explaind
