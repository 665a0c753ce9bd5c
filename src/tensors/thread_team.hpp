#pragma once
// The threads of a rank, and how they share the work of one operation.
//
// No bit may depend on their number, and LibTorch's do: a sum, a product and the end of an
// elementwise loop are cut by the number of its threads. So LibTorch has one thread. What is large
// is cut in pieces that follow from its shape alone, never along an index that is summed; each
// piece is the work of one thread and has its place in the result. Which thread takes it shows
// nowhere. What is small is left to the caller: waking a thread takes longer than the work.

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace explaind {

/// While it lives, the threads that share the work of the thread that made it. Workers sleep
/// between operations and never spin: a core that another process needs is left to it.
class ThreadTeam {
 public:
  /// count: threads, the caller among them; at least 1. From here on LibTorch has one thread in
  /// each.
  explicit ThreadTeam(int count);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }
  /// Operations that were shared so far.
  [[nodiscard]] int64_t shared() const { return shared_; }
  /// Threads that had work: all of them, or 1 where nothing was large enough to share.
  [[nodiscard]] int used() const { return shared_ > 0 ? size() : 1; }
  /// How many had work and why, for people: a line without its end.
  [[nodiscard]] std::string account() const;

 private:
  using Act = std::function<void(int64_t)>;
  friend void share_pieces(int64_t pieces, double work, const Act& act);

  void share(int64_t pieces, const Act& act);
  void serve();
  /// Takes pieces as long as there are any.
  void take(const Act& act, std::unique_lock<std::mutex>& lock);

  ThreadTeam* outer_;  ///< the caller's before this one
  int64_t shared_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  // Guarded by mutex_: the operation that is shared.
  const Act* act_ = nullptr;
  int64_t next_ = 0, pieces_ = 0;
  int busy_ = 0;  ///< workers in it
  std::exception_ptr failure_;
  bool ending_ = false;
  std::vector<std::thread> workers_;  // last: they start when all else is there
};

/// Floating-point operations below which an operation is one piece, and about the least of a piece:
/// under a millisecond of one thread.
inline constexpr double piece_work = 1 << 25;

/// Calls act(piece) for 0 ≤ piece < pieces, without a graph, each once: by the caller's team where
/// all of it is worth two pieces' work, else by the caller, in order. work: in floating-point
/// operations, as a product does them; an element that is read and written counts about 32. An
/// exception of a piece is thrown here; other pieces may have been left out then.
void share_pieces(int64_t pieces, double work, const std::function<void(int64_t)>& act);

/// Threads of the caller's team, itself among them; 1 where it has none.
int threads_of_caller();

/// Calls act(begin, end) for the ranges of `length` that make up [0, count).
template <typename F>
void share_ranges(int64_t count, int64_t length, double work_of_one, const F& act) {
  share_pieces((count + length - 1) / length, work_of_one * static_cast<double>(count),
               [&](int64_t piece) { act(piece * length, std::min((piece + 1) * length, count)); });
}

}  // namespace explaind
