#pragma once
// MPI as owned values: the environment, and communicators that duplicate what they are given.

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace explaind {

/// MPI_Init_thread(MULTIPLE) … MPI_Finalize; one per program. Works with and without mpirun.
class MpiEnvironment {
 public:
  MpiEnvironment(int& argc, char**& argv);
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;
};

/// A rank among those on its machine.
struct HostPlace {
  int rank = 0, ranks = 1;
};

/// Bytes that go into one MPI call, whose counts and offsets are ints; what is longer is cut.
inline constexpr size_t largest_message = size_t{1} << 30;

/// Owns a duplicate; destructors skip the free after MPI_Finalize.
class Communicator {
 public:
  /// largest: the same on all ranks; tests give less, to meet the cuts without gigabytes.
  /// @collective over comm
  explicit Communicator(MPI_Comm comm, size_t largest = largest_message);
  /// This rank alone. Not collective.
  static Communicator self();
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&& other) noexcept;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  ~Communicator();

  /// Gives it up without freeing it, so that its number is given to no other. Not collective.
  void leave_open() { comm_ = MPI_COMM_NULL; }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] MPI_Comm get() const { return comm_; }
  /// Bytes that go into one call.
  [[nodiscard]] size_t largest() const { return largest_; }
  /// The ranks that give the same colour, in the order they have here. @collective
  [[nodiscard]] Communicator split(int colour) const;
  /// @collective
  [[nodiscard]] HostPlace on_host() const;
  /// @collective
  void barrier() const;
  /// @collective; `value` of `root` on every rank.
  void broadcast(std::string& value, int root) const;
  /// @collective; `values` of `root` on every rank, of the same length everywhere.
  void broadcast(std::span<double> values, int root) const;
  void broadcast(std::span<int64_t> values, int root) const;
  /// Of any length, which the others need not know.
  void broadcast(std::vector<int64_t>& values, int root) const;
  /// @collective; the least of all ranks' values.
  [[nodiscard]] int64_t minimum(int64_t value) const;
  /// @collective; the largest of all ranks' values.
  [[nodiscard]] double maximum(double value) const;
  /// @collective; every rank's string, in rank order, on every rank.
  [[nodiscard]] std::vector<std::string> all_gather(const std::string& value) const {
    return all_gathered(value);
  }
  /// @collective; every rank's values, in rank order, on every rank. T: numbers, or a struct of
  /// them.
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::vector<std::vector<T>> all_gather(const std::vector<T>& values) const {
    return all_gathered(values);
  }
  /// @collective; what every rank, in rank order, has for this one. values: for rank 0, then for
  /// rank 1 …; counts: how many for each.
  [[nodiscard]] std::vector<std::vector<double>> exchange(std::span<const double> values,
                                                          const std::vector<int64_t>& counts) const;

 private:
  void broadcast_bytes(void* data, size_t size, int root) const;
  [[nodiscard]] std::vector<int64_t> counts_of_ranks(size_t own) const;
  /// all: a place for every rank's bytes, this one's among them.
  void gather_bytes(std::span<const std::byte> own,
                    const std::vector<std::span<std::byte>>& all) const;
  template <typename Sequence>
  [[nodiscard]] std::vector<Sequence> all_gathered(const Sequence& values) const {
    std::vector<Sequence> all;
    for (const int64_t count : counts_of_ranks(values.size())) {
      all.emplace_back().resize(static_cast<size_t>(count));
    }
    std::vector<std::span<std::byte>> places;
    for (Sequence& each : all) places.push_back(std::as_writable_bytes(std::span(each)));
    gather_bytes(std::as_bytes(std::span(values)), places);
    return all;
  }

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  size_t largest_ = largest_message;
};

/// Runs `action` on every rank and agrees on the outcome: if it threw on any rank, all ranks throw
/// the error of the lowest such rank (same message, same exit code). A rank that failed waits a few
/// seconds for the others: where they wait for it inside `action`, or are busy for longer, it says
/// its message and ends the job. @collective
void agree(const Communicator& world, const std::function<void()>& action);

/// What a rank's work came to: an exit code, and a message where it failed.
struct Outcome {
  int code = 0;
  std::string error;
};

/// How a message begins: a stop that was asked for is no error.
const char* opening(int code);

/// Runs `action`, which returns an exit code, and catches what it throws. Not collective.
Outcome outcome_of(const std::function<int()>& action);

/// The end of every rank's work; the exit code of all. Where a rank has failed rank 0 says one
/// message, that of the lowest one. A rank that failed waits a few seconds for the others, which
/// may be waiting for it elsewhere and will never come: then it says its message and ends the job.
/// world: a duplicate on which nothing else is done. @collective over world
int end_together(const Communicator& world, const Outcome& mine);

/// Ends the job at once with `code` on all ranks (MPI_Abort); the caller has printed the message.
[[noreturn]] void abort_job(int code);

}  // namespace explaind
