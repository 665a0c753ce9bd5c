#pragma once
// Random numbers that are the same everywhere: a seed gives one sequence on every machine.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace explaind {

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t state) : state_(state) {}
  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBULL;
    return mixed ^ (mixed >> 31U);
  }
  /// In [0, 1): ⌊x / 2¹¹⌋ 2⁻⁵³.
  double uniform() {
    constexpr double step = 1.0 / 9007199254740992.0;  // 2⁻⁵³
    return static_cast<double>(next() >> 11U) * step;
  }
  /// In 0 … n−1.
  size_t below(size_t n) { return static_cast<size_t>(uniform() * static_cast<double>(n)); }

 private:
  uint64_t state_;
};

/// FNV-1a (64 bits), of one text after another.
class Fnv1a {
 public:
  Fnv1a& add(std::string_view text) {
    for (const char letter : text) byte(static_cast<unsigned char>(letter));
    return *this;
  }
  Fnv1a& byte(unsigned char value) {
    hash_ = (hash_ ^ value) * 0x100000001B3ULL;
    return *this;
  }
  [[nodiscard]] uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xCBF29CE484222325ULL;
};

}  // namespace explaind
