#pragma once
// What the ranks of a segment group move in bulk, beside their work.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace explaind {

/// What gathers have cost this rank.
struct GatherCount {
  int64_t gathers = 0;
  int64_t bytes_received = 0;  ///< from other ranks
  double seconds_waited = 0;   ///< in wait() alone: what overlapped with work is not in it
};

/// How long a rank waits for the others of its group before it takes them for lost. It is there for
/// ranks that hang without dying: one that fails says so, and ends the job at once.
inline constexpr std::chrono::milliseconds gather_deadline = std::chrono::minutes(30);

/// All-gathers that run while their caller computes. Every rank of the group starts the same
/// gathers in the same order; they end in that order.
///
/// Where a rank fails or does not come, every other rank's wait() (or next start()) throws an Error
/// that names it by its number in the world, and why. Nothing can be gathered after that: the
/// caller ends the job, or agrees on the error with all ranks.
class Collectives {
 public:
  /// A gather that was started: 0, 1, …
  using Gather = int64_t;

  Collectives(int rank, int size) : rank_(rank), size_(size) {}
  virtual ~Collectives() = default;
  Collectives(const Collectives&) = delete;
  Collectives& operator=(const Collectives&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  /// What is gathered lies in the memory of the ranks' devices.
  [[nodiscard]] virtual bool on_device() const { return false; }

  /// Begins to gather every rank's `bytes` bytes in rank order and returns. bytes: the same on all
  /// ranks, a multiple of 64; all: size() × bytes, apart from `mine`. Both belong to the gather
  /// until it has been waited for. @collective over the group
  Gather start(const std::byte* mine, size_t bytes, std::byte* all);
  /// Returns when `all` is whole; a gather may be waited for again. Not collective.
  void wait(Gather gather);
  /// Says to the others that this rank cannot go on: their waits throw an Error with this rank and
  /// `cause`. Not collective.
  void abort(const std::string& cause) noexcept;

  [[nodiscard]] const GatherCount& count() const { return count_; }

 private:
  virtual void begin(Gather gather, const std::byte* mine, size_t bytes, std::byte* all) = 0;
  virtual void finish(Gather gather) = 0;
  virtual void give_up(const std::string& cause) = 0;

  int rank_, size_;
  Gather next_ = 0;
  GatherCount count_;
};

}  // namespace explaind
