#pragma once
// The little of a device that gathers between devices need.

#include <cstdint>
#include <memory>

namespace explaind {

/// A queue of a device beside the one that the caller computes on.
class DeviceQueue {
 public:
  using Mark = int64_t;

  virtual ~DeviceQueue() = default;
  /// A cudaStream_t that gathers are put on.
  [[nodiscard]] virtual void* stream() const = 0;
  /// What is put on stream() from now on begins after all that the caller has given its own queue.
  virtual void follow() = 0;
  /// A place in stream(), after all that has been put there. Marks ascend.
  virtual Mark mark() = 0;
  /// Whether the device has come to a mark. Never blocks. Throws Error with the device's message
  /// where it has failed.
  [[nodiscard]] virtual bool reached(Mark mark) = 0;
};

/// A queue of the current CUDA device, beside `work` (a cudaStream_t; null: the default stream).
/// Throws Error where the program was built without NCCL, or the device refuses.
std::unique_ptr<DeviceQueue> make_cuda_queue(void* work);

}  // namespace explaind
