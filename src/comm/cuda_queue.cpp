#include <cuda_runtime.h>

#include <deque>
#include <string>

#include "comm/device_queue.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw Error(call, std::string("CUDA error: ") + cudaGetErrorString(status), "");
}

class Event {
 public:
  Event() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreate"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  [[nodiscard]] cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class CudaQueue final : public DeviceQueue {
 public:
  explicit CudaQueue(cudaStream_t work) : work_(work) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  ~CudaQueue() override { cudaStreamDestroy(stream_); }

  [[nodiscard]] void* stream() const override { return stream_; }

  void follow() override {
    check(cudaEventRecord(before_.get(), work_), "cudaEventRecord");
    check(cudaStreamWaitEvent(stream_, before_.get(), 0), "cudaStreamWaitEvent");
  }

  Mark mark() override {
    check(cudaEventRecord(marks_.emplace_back().get(), stream_), "cudaEventRecord");
    return reached_ + static_cast<Mark>(marks_.size()) - 1;
  }

  bool reached(Mark mark) override {
    for (; reached_ <= mark; ++reached_) {
      const cudaError_t status = cudaEventQuery(marks_.front().get());
      if (status == cudaErrorNotReady) return false;
      check(status, "cudaEventQuery");
      marks_.pop_front();
    }
    return true;
  }

 private:
  cudaStream_t work_, stream_ = nullptr;
  Event before_;
  std::deque<Event> marks_;  ///< not yet reached
  Mark reached_ = 0;         ///< marks before this one are
};

}  // namespace

std::unique_ptr<DeviceQueue> make_cuda_queue(void* work) {
  return std::make_unique<CudaQueue>(static_cast<cudaStream_t>(work));
}

}  // namespace explaind
