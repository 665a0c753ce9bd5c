#pragma once
// CUDA kernels run as ordinary functions, so that their arithmetic, indices and barriers are tested
// where there is no device: include this, then the .cu file.
//
// The threads of a block are coroutines on one processor: each runs until it waits at a barrier or
// ends, then the next. Blocks run one after another. What this cannot show: races within a warp,
// and anything about speed.

#define EXPLAIND_CUDA_ON_HOST

#include <math.h>
#include <string.h>
#include <ucontext.h>

#include <functional>
#include <vector>

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

/// The threads of the running block.
class Block {
 public:
  Block(unsigned threads, const std::function<void()>& body) : body_(body), threads_(threads) {
    for (unsigned i = 0; i < threads; ++i) {
      Thread& each = threads_[i];
      each.stack.resize(size_t{1} << 16);
      getcontext(&each.context);
      each.context.uc_stack.ss_sp = each.stack.data();
      each.context.uc_stack.ss_size = each.stack.size();
      each.context.uc_link = &scheduler_;
      makecontext(&each.context, &Block::enter, 0);
    }
  }

  /// Rounds from barrier to barrier until every thread has ended.
  void run() {
    running = this;
    for (bool alive = true; alive;) {
      alive = false;
      for (unsigned i = 0; i < threads_.size(); ++i) {
        if (threads_[i].ended) continue;
        current_ = i;
        thread = dim3(i, 0, 0);
        swapcontext(&scheduler_, &threads_[i].context);
        alive = alive || !threads_[i].ended;
      }
    }
  }

  /// Of the running thread.
  void wait() {
    const unsigned mine = current_;
    swapcontext(&threads_[mine].context, &scheduler_);
  }

  static inline Block* running = nullptr;

 private:
  struct Thread {
    std::vector<char> stack;
    ucontext_t context{};
    bool ended = false;
  };
  static void enter() {
    running->body_();
    running->threads_[running->current_].ended = true;
  }

  std::function<void()> body_;
  std::vector<Thread> threads_;
  ucontext_t scheduler_{};
  unsigned current_ = 0;
};

}  // namespace explaind::cuda_on_host

#define threadIdx explaind::cuda_on_host::thread
#define blockIdx explaind::cuda_on_host::block
#define blockDim explaind::cuda_on_host::threads_a_block
#define gridDim explaind::cuda_on_host::blocks

inline void __syncthreads() { explaind::cuda_on_host::Block::running->wait(); }

namespace explaind::kernels::device {

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, void* /*stream*/, Arguments... arguments) {
  constexpr unsigned threads = 256;
  blockDim = dim3(threads);
  gridDim = grid;
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) {
      blockIdx = dim3(x, y, 0);
      explaind::cuda_on_host::Block block(threads,
                                          [&] { kernel(static_cast<Parameters>(arguments)...); });
      block.run();
    }
  }
}

}  // namespace explaind::kernels::device
