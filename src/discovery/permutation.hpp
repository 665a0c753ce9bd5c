#pragma once
// Orders drawn at random, the same for the same seed, and p-values from them.

#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "core/split_mix.hpp"

namespace explaind {

/// A sequence of its own for every search and every part of it.
inline SplitMix64 random_of(uint64_t seed, std::string_view search, uint64_t part = 0) {
  return SplitMix64(Fnv1a().add(search).value() ^ seed ^ (part * 0x9E3779B97F4A7C15ULL));
}

inline std::vector<size_t> identity_order(size_t n) {
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

/// Fisher and Yates, from the end.
inline void shuffle(std::vector<size_t>& order, SplitMix64& random) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
}

/// Whether a drawn statistic counts as at least the observed one: equal but for rounding does.
inline bool reaches(double drawn, double observed) { return drawn >= observed * (1 - 1e-9); }

/// The share of drawings, with the observation itself among them, that reach the observation.
inline double p_value(int64_t reached, int64_t drawings) {
  return static_cast<double>(reached + 1) / static_cast<double>(drawings + 1);
}

}  // namespace explaind
