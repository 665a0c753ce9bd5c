#pragma once
// A device's queue played by a thread of this process: what is put on it is done in order.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "comm/device_queue.hpp"

namespace explaind::testing {

/// In the place of a cudaStream_t. The fake libnccl puts gathers on it.
class FakeStream {
 public:
  FakeStream() : thread_([this] { serve(); }) {}
  /// Does what is there first.
  ~FakeStream() {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    more_.notify_one();
    thread_.join();
  }
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;

  /// Returns the number of things put before.
  int64_t put(std::function<void()> task) {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
    more_.notify_one();
    return put_++;
  }
  int64_t done() {
    const std::scoped_lock lock(mutex_);
    return done_;
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      more_.wait(lock, [&] { return closing_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
      ++done_;
    }
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::function<void()>> tasks_;
  int64_t put_ = 0, done_ = 0;
  bool closing_ = false;
  std::thread thread_;  // last: it starts when all else is there
};

class FakeQueue final : public DeviceQueue {
 public:
  /// work: what the caller computes on.
  explicit FakeQueue(std::shared_ptr<FakeStream> work = std::make_shared<FakeStream>())
      : work_(std::move(work)) {}

  [[nodiscard]] void* stream() const override { return stream_.get(); }
  void follow() override {
    const int64_t before = work_->put([] {});
    stream_->put([work = work_, before] {
      while (work->done() <= before) std::this_thread::sleep_for(std::chrono::microseconds(50));
    });
  }
  Mark mark() override {
    return stream_->put([] {});
  }
  bool reached(Mark mark) override { return stream_->done() > mark; }

 private:
  std::shared_ptr<FakeStream> work_;
  std::unique_ptr<FakeStream> stream_ = std::make_unique<FakeStream>();
};

}  // namespace explaind::testing
