#include "unit/engines/stand_in_memory.hpp"

#include <c10/core/Allocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <iterator>
#include <new>
#include <stdexcept>

namespace explaind::testing {
namespace {

constexpr size_t page = 4096, reserved = size_t{1} << 33;

struct Opened {
  Opened() { StandInMemory::all().open(); }
  ~Opened() { StandInMemory::all().close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

struct Allocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* piece = bytes == 0 ? nullptr : StandInMemory::all().allocate(bytes);
    return {piece, piece, &give_back, c10::Device(stand_in_place, 0)};
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    const Opened memory;
    std::memcpy(to, from, bytes);
  }
  static void give_back(void* piece) {
    if (piece != nullptr) StandInMemory::all().give_back(piece);
  }
};

Allocator allocator;
REGISTER_ALLOCATOR(stand_in_place, &allocator)

}  // namespace

StandInMemory& StandInMemory::all() {
  static StandInMemory memory;
  return memory;
}

void* StandInMemory::allocate(size_t bytes) {
  const std::lock_guard lock(mutex_);
  const size_t size = std::bit_ceil((bytes + page - 1) / page) * page;
  if (const auto found = free_.find(size); found != free_.end()) {
    void* again = found->second;
    free_.erase(found);
    return again;
  }
  if (used_ + size > reserved) throw std::bad_alloc();
  void* fresh = base_ + used_;
  used_ += size;
  sizes_[fresh] = size;
  if (open_ > 0) protect(PROT_READ | PROT_WRITE);
  return fresh;
}

void StandInMemory::give_back(void* piece) {
  const std::lock_guard lock(mutex_);
  free_.emplace(sizes_.at(piece), piece);
}

void StandInMemory::open() {
  const std::lock_guard lock(mutex_);
  if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void StandInMemory::close() {
  const std::lock_guard lock(mutex_);
  if (--open_ == 0) protect(PROT_NONE);
}

const void* StandInMemory::piece_of(const void* address) {
  const std::lock_guard lock(mutex_);
  if (address < base_ || address >= base_ + used_) return nullptr;
  return std::prev(sizes_.upper_bound(const_cast<void*>(address)))->first;
}

StandInMemory::StandInMemory() {
  const int file = memfd_create("stand_in_device", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, reserved) != 0) throw std::bad_alloc();
  const auto map = [&](int rights) {
    void* range = mmap(nullptr, reserved, rights, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (range == MAP_FAILED) throw std::bad_alloc();
    return static_cast<char*>(range);
  };
  base_ = map(PROT_NONE);
  alias_ = map(PROT_READ | PROT_WRITE);
  ::close(file);
}

void StandInMemory::protect(int rights) {
  if (used_ > 0 && mprotect(base_, used_, rights) != 0) throw std::runtime_error("mprotect");
}

}  // namespace explaind::testing
