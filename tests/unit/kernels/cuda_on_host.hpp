#pragma once
// CUDA kernels run as ordinary functions, so that their arithmetic, indices and barriers are tested
// where there is no device: include this, then the .cu file.
//
// The threads of a block are coroutines on one processor: each runs until it waits at a barrier or
// ends, then the next. Blocks run one after another. What this cannot show: races within a warp,
// and anything about speed.

#define EXPLAIND_CUDA_ON_HOST

#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

#include <array>
#include <functional>
#include <memory>
#include <type_traits>

#include "unit/kernels/launch_hooks.hpp"

#define __global__
#define __device__
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  explicit dim3(unsigned across = 1, unsigned down = 1, unsigned deep = 1)
      : x(across), y(down), z(deep) {}
};

namespace explaind::cuda_on_host {

inline dim3 thread, block, threads_a_block, blocks;

/// The threads of a block, made once and used for every block of every kernel. They change places
/// by _setjmp and _longjmp: swapcontext would ask the system for the signal mask each time.
class Threads {
 public:
  /// Rounds from barrier to barrier until every thread has come to the end of `body`.
  void run(const std::function<void()>& body) {
    body_ = &body;
    for (Thread& each : threads_) each.ended = false;
    for (bool alive = true; alive;) {
      alive = false;
      for (unsigned i = 0; i < threads_.size(); ++i) {
        if (threads_[i].ended) continue;
        current_ = i;
        thread = dim3(i, 0, 0);
        go_on(threads_[i]);
        alive = alive || !threads_[i].ended;
      }
    }
  }

  /// Of the running thread: until the next round.
  void wait() {
    if (_setjmp(threads_[current_].place) == 0) _longjmp(scheduler_, 1);
  }

  static Threads& of_a_block() {
    static Threads threads;
    return threads;
  }

 private:
  struct Thread {
    std::unique_ptr<char[]> stack;
    ucontext_t context{};
    jmp_buf place{};
    bool ended = false;
  };

  void go_on(Thread& next) {
    if (_setjmp(scheduler_) != 0) return;
    if (next.stack) _longjmp(next.place, 1);
    constexpr size_t bytes = size_t{1} << 16;
    next.stack.reset(new char[bytes]);
    getcontext(&next.context);
    next.context.uc_stack.ss_sp = next.stack.get();
    next.context.uc_stack.ss_size = bytes;
    makecontext(&next.context, &Threads::live, 0);
    setcontext(&next.context);
  }

  /// What a thread does: the body of one block after another.
  static void live() {
    Threads& all = of_a_block();
    for (;;) {
      (*all.body_)();
      all.threads_[all.current_].ended = true;
      all.wait();
    }
  }

  const std::function<void()>* body_ = nullptr;
  std::array<Thread, 256> threads_;
  jmp_buf scheduler_{};
  unsigned current_ = 0;
};

}  // namespace explaind::cuda_on_host

#define threadIdx explaind::cuda_on_host::thread
#define blockIdx explaind::cuda_on_host::block
#define blockDim explaind::cuda_on_host::threads_a_block
#define gridDim explaind::cuda_on_host::blocks

inline void __syncthreads() { explaind::cuda_on_host::Threads::of_a_block().wait(); }

namespace explaind::kernels::device {

template <typename Argument>
const void* pointer_of(const Argument& argument) {
  if constexpr (std::is_pointer_v<Argument>) {
    return argument;
  } else {
    return nullptr;
  }
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, void* /*stream*/, Arguments... arguments) {
  constexpr unsigned threads = 256;
  blockDim = dim3(threads);
  gridDim = grid;
  if (cuda_on_host::before_launch != nullptr)
    cuda_on_host::before_launch({pointer_of(arguments)...});
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) {
      blockIdx = dim3(x, y, 0);
      explaind::cuda_on_host::Threads::of_a_block().run(
          [&] { kernel(static_cast<Parameters>(arguments)...); });
    }
  }
  if (cuda_on_host::after_launch != nullptr) cuda_on_host::after_launch();
}

}  // namespace explaind::kernels::device
