#pragma once
// The memory of a device that is not there.

#include <c10/core/DeviceType.h>

#include <cstddef>
#include <map>
#include <mutex>

namespace explaind::testing {

constexpr auto stand_in_place = c10::DeviceType::PrivateUse1;

/// One reserved range, mapped twice: at the addresses of the device, which the host may not read or
/// write but while a kernel runs, and at others for the stand-in's own operations. Pieces are whole
/// pages and are handed out again after they were given back, as LibTorch's allocator for CUDA
/// does: at once, whether or not queued work still uses them.
class StandInMemory {
 public:
  static StandInMemory& all();

  void* allocate(size_t bytes);
  void give_back(void* piece);
  /// Open while a kernel runs.
  void open();
  void close();
  /// Where the host finds what lies at an address of the device.
  void* seen_from_host(void* address) const {
    return static_cast<char*>(address) + (alias_ - base_);
  }
  /// The piece that holds an address; null where it is the host's.
  const void* piece_of(const void* address);

 private:
  StandInMemory();
  void protect(int rights);

  std::mutex mutex_;
  char *base_ = nullptr, *alias_ = nullptr;
  size_t used_ = 0;
  int open_ = 0;
  std::map<void*, size_t> sizes_;
  std::multimap<size_t, void*> free_;
};

}  // namespace explaind::testing
