#pragma once
// A hash table from whole numbers to values, filled once and then only read.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace explaind {

template <typename Value>
class NumberMap {
 public:
  explicit NumberMap(size_t expected) {
    size_t size = 16;
    while (size < expected * 2) size *= 2;
    slots_.resize(size);
  }

  /// Replaces what the key had.
  void set(uint64_t key, const Value& value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    count_ += slot.key == empty ? 1 : 0;
    slot = {key, value};
  }
  /// Null where the key is not there.
  [[nodiscard]] const Value* find(uint64_t key) const {
    const Slot& slot = slots_[place(key)];
    return slot.key == key ? &slot.value : nullptr;
  }

 private:
  static constexpr uint64_t empty = UINT64_MAX;  ///< no key
  struct Slot {
    uint64_t key = empty;
    Value value{};
  };

  [[nodiscard]] size_t place(uint64_t key) const {
    uint64_t mixed = key * 0x9E3779B97F4A7C15U;
    mixed ^= mixed >> 32;
    size_t at = mixed & (slots_.size() - 1);
    while (slots_[at].key != empty && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != empty) slots_[place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  size_t count_ = 0;
};

}  // namespace explaind
