#include "kernels/interpolate.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>
#include <vector>

namespace explaind::kernels {
namespace {

/// A stored tensor of 5,000 values in bf16: more than one block of the kernel, not a multiple of
/// it.
struct Stored {
  explicit Stored(unsigned seed) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> normal;
    for (uint16_t& value : bits) {
      value = static_cast<uint16_t>(std::bit_cast<uint32_t>(normal(engine)) >> 16);
    }
  }
  [[nodiscard]] StoredValues values() const { return {bits.data(), Dtype::bf16}; }
  [[nodiscard]] double at(size_t i) const {
    return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits[i]) << 16));
  }
  std::vector<uint16_t> bits = std::vector<uint16_t>(5000);
};

TEST(Interpolate, DifferenceAndNodeOfStoredValues) {
  const Stored from(1), to(2);
  std::vector<double> delta(5000, 99), weight(5000, 99);
  difference(from.values(), to.values(), 10, 4990, delta.data());
  interpolate(from.values(), delta.data(), 0.375, 10, 4990, weight.data());
  for (size_t i = 0; i < 5000; ++i) {
    const bool inside = i >= 10 && i < 4990;
    EXPECT_EQ(delta[i], inside ? to.at(i) - from.at(i) : 99);
    EXPECT_EQ(weight[i], inside ? from.at(i) + 0.375 * (to.at(i) - from.at(i)) : 99);
  }
}

TEST(Interpolate, TheNodeIsNotRoundedToTheStoredType) {
  // A step below bf16's spacing: interpolating in bf16 would return one of the ends.
  Stored from(1), to(1);
  from.bits[0] = 0x3F80;  // 1
  to.bits[0] = 0x3F81;    // 1 + 2^-7
  std::vector<float> delta(1), weight(1);
  difference(from.values(), to.values(), 0, 1, delta.data());
  interpolate(from.values(), delta.data(), 0.25F, 0, 1, weight.data());
  EXPECT_EQ(weight[0], 1.0F + 0.25F / 128);
}

TEST(Interpolate, WidenGivesTheStoredEndpoint) {
  const Stored to(3);
  std::vector<float> weight(5000);
  widen(to.values(), 0, 5000, weight.data());
  for (size_t i = 0; i < 5000; ++i) EXPECT_EQ(static_cast<double>(weight[i]), to.at(i));
}

}  // namespace
}  // namespace explaind::kernels
