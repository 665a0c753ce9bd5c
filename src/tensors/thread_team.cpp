#include "tensors/thread_team.hpp"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <stdexcept>
#include <utility>

namespace explaind {
namespace {

/// The team of this thread; a piece that shares in its turn finds none.
thread_local ThreadTeam* current = nullptr;

}  // namespace

ThreadTeam::ThreadTeam(int count) : outer_(current) {
  if (count < 1) throw std::invalid_argument("a team has at least one thread");
  at::set_num_threads(1);
  for (int i = 1; i < count; ++i) workers_.emplace_back([this] { serve(); });
  current = this;
}

ThreadTeam::~ThreadTeam() {
  current = outer_;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

std::string ThreadTeam::account() const {
  if (size() == 1) return "Threads: 1 a rank";
  if (shared_ == 0) {
    return "Threads: 1 of " + std::to_string(size()) +
           " a rank, since no operation was large enough to share; more ranks go faster";
  }
  return "Threads: " + std::to_string(size()) + " a rank in " + std::to_string(shared_) +
         " large operations, 1 in small ones";
}

void ThreadTeam::serve() {
  at::set_num_threads(1);  // OpenMP and MKL keep a number for every thread
  const c10::NoGradGuard no_graph;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ending_ || next_ < pieces_; });
    if (ending_) return;
    ++busy_;
    take(*act_, lock);
    if (--busy_ == 0) done_.notify_one();
  }
}

void ThreadTeam::take(const Act& act, std::unique_lock<std::mutex>& lock) {
  while (next_ < pieces_) {
    const int64_t piece = next_++;
    lock.unlock();
    std::exception_ptr failure;
    try {
      act(piece);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
      failure_ = failure;
      next_ = pieces_;  // nobody begins another
    }
  }
}

void ThreadTeam::share(int64_t pieces, const Act& act) {
  ++shared_;
  std::unique_lock lock(mutex_);
  act_ = &act;
  next_ = 0;
  pieces_ = pieces;
  wake_.notify_all();
  take(act, lock);
  done_.wait(lock, [this] { return busy_ == 0; });
  pieces_ = next_ = 0;
  act_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

int threads_of_caller() { return current == nullptr ? 1 : current->size(); }

void share_pieces(int64_t pieces, double work, const std::function<void(int64_t)>& act) {
  const c10::NoGradGuard no_graph;
  ThreadTeam* const team = std::exchange(current, nullptr);
  struct Restore {
    ThreadTeam* team;
    ~Restore() { current = team; }
  } const restore{team};
  if (team != nullptr && team->size() > 1 && pieces > 1 && work >= 2 * piece_work) {
    team->share(pieces, act);
    return;
  }
  for (int64_t piece = 0; piece < pieces; ++piece) act(piece);
}

}  // namespace explaind
