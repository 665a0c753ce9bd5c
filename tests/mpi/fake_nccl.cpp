// A libnccl for machines without devices: the functions that ExPLAIND uses, between processes of
// one machine over POSIX shared memory, on host memory, asynchronous as the real ones are. It is
// loaded in the real one's place by its file name.
//
// FAKE_NCCL, read when a communicator is made, says what goes wrong: words NAME=RANK:GATHER with
//   hang      that rank's part of that gather never ends
//   refuse    ncclAllGather returns an error
//   fail      the gather fails after it has begun: ncclCommGetAsyncError
//   remote    the same, as if another rank were gone
//   start     (gather 0) ncclCommInitRankConfig never ends
//   no_start  (gather 0) ncclCommInitRankConfig fails, when the others have had what they need of
//   it slow      ncclAllGather takes 50 ms to put that gather on the stream

#include <fcntl.h>
#include <nccl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>

#include "mpi/fake_stream.hpp"

namespace {

constexpr int most_ranks = 16;
constexpr size_t slot_bytes = size_t{1} << 20;

/// What the ranks share; all zero at first.
struct Meeting {
  std::atomic<int> attached;
  std::atomic<int64_t> arrived[most_ranks], left[most_ranks];  ///< pieces
};

void rest() { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

size_t shared_bytes(int ranks) { return sizeof(Meeting) + static_cast<size_t>(ranks) * slot_bytes; }

std::atomic<int> aborts{0}, destroyed{0};

}  // namespace

struct ncclComm {
  int rank = 0, ranks = 0;
  Meeting* meeting = nullptr;
  std::byte* slots = nullptr;
  std::string behaviour;
  std::atomic<ncclResult_t> state{ncclInProgress};
  std::atomic<bool> aborted{false};
  std::atomic<int> busy{0};  ///< threads and tasks that hold this
  int64_t gathers = 0, pieces = 0;

  [[nodiscard]] bool does(const std::string& what, int64_t gather) const {
    std::istringstream words(behaviour);
    const std::string mine = what + "=" + std::to_string(rank) + ":" + std::to_string(gather);
    for (std::string word; words >> word;) {
      if (word == mine) return true;
    }
    return false;
  }

  template <typename Condition>
  bool wait(Condition condition) const {
    while (!condition()) {
      if (aborted) return false;
      rest();
    }
    return true;
  }

  bool everyone(const std::atomic<int64_t>* counts, int64_t piece) const {
    for (int i = 0; i < ranks; ++i) {
      if (counts[i] < piece) return false;
    }
    return true;
  }

  void gather(const std::byte* mine, std::byte* all, size_t bytes) {
    for (size_t first = 0; first < bytes; first += slot_bytes, ++pieces) {
      const size_t count = std::min(slot_bytes, bytes - first);
      if (!wait([&] { return everyone(meeting->left, pieces); })) return;
      std::memcpy(slots + static_cast<size_t>(rank) * slot_bytes, mine + first, count);
      meeting->arrived[rank] = pieces + 1;
      if (!wait([&] { return everyone(meeting->arrived, pieces + 1); })) return;
      for (int i = 0; i < ranks; ++i) {
        const auto other = static_cast<size_t>(i);
        std::memcpy(all + other * bytes + first, slots + other * slot_bytes, count);
      }
      meeting->left[rank] = pieces + 1;
    }
  }
};

namespace {

void attach(ncclComm& comm, const std::string& name) {
  const int file = shm_open(name.c_str(), O_CREAT | O_RDWR, 0600);
  if (file < 0 || ftruncate(file, static_cast<off_t>(shared_bytes(comm.ranks))) != 0) std::abort();
  void* memory =
      mmap(nullptr, shared_bytes(comm.ranks), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) std::abort();
  comm.meeting = static_cast<Meeting*>(memory);
  comm.slots = static_cast<std::byte*>(memory) + sizeof(Meeting);
  if (++comm.meeting->attached == comm.ranks) shm_unlink(name.c_str());
}

void end(ncclComm* comm) {
  comm->aborted = true;
  while (comm->busy > 0) rest();
  munmap(comm->meeting, shared_bytes(comm->ranks));
  delete comm;
}

}  // namespace

extern "C" {

// For tests: what has been called.
int fake_nccl_aborts() { return aborts; }
int fake_nccl_destroyed() { return destroyed; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static std::atomic<int> number{0};
  std::memset(id, 0, sizeof(*id));
  std::snprintf(id->internal, sizeof(id->internal), "/fake_nccl_%d_%d", static_cast<int>(getpid()),
                number++);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config->blocking != 0 || ranks > most_ranks) return ncclInvalidArgument;
  auto* comm = new ncclComm;
  comm->rank = rank;
  comm->ranks = ranks;
  if (const char* behaviour = std::getenv("FAKE_NCCL")) comm->behaviour = behaviour;
  attach(*comm, id.internal);
  if (comm->does("no_start", 0)) {
    while (comm->meeting->attached < ranks) rest();
    end(comm);
    return ncclSystemError;
  }
  *made = comm;
  ++comm->busy;
  std::thread([comm] {
    const auto all_there = [&] { return comm->meeting->attached == comm->ranks; };
    if (!comm->does("start", 0) && comm->wait(all_there)) comm->state = ncclSuccess;
    --comm->busy;
  }).detach();
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = comm->state;
  return ncclSuccess;
}

ncclResult_t ncclAllGather(const void* mine, void* all, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  if (type != ncclInt8) return ncclInvalidArgument;
  if (comm->state != ncclSuccess) return ncclInvalidUsage;  // one call at a time
  const int64_t gather = comm->gathers++;
  if (comm->does("refuse", gather)) return ncclUnhandledCudaError;
  auto* queue = reinterpret_cast<explaind::testing::FakeStream*>(stream);
  const auto put = [=] {
    ++comm->busy;
    queue->put([=] {
      if (comm->does("hang", gather)) {
        comm->wait([] { return false; });
      } else if (comm->does("fail", gather) || comm->does("remote", gather)) {
        comm->state = comm->does("fail", gather) ? ncclSystemError : ncclRemoteError;
        comm->wait([] { return false; });
      } else {
        comm->gather(static_cast<const std::byte*>(mine), static_cast<std::byte*>(all), count);
      }
      --comm->busy;
    });
  };
  if (!comm->does("slow", gather)) {
    put();
    return ncclSuccess;
  }
  comm->state = ncclInProgress;
  ++comm->busy;
  std::thread([=] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    put();
    comm->state = ncclSuccess;
    --comm->busy;
  }).detach();
  return ncclInProgress;
}

ncclResult_t ncclCommFinalize(ncclComm_t) { return ncclSuccess; }

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  ++destroyed;
  end(comm);
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  ++aborts;
  end(comm);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    default:
      return "some error";
  }
}

const char* ncclGetLastError(ncclComm_t) { return "says the fake"; }

}  // extern "C"
