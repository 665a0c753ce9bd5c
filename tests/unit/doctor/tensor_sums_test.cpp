#include "doctor/tensor_sums.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace explaind {
namespace {

TensorView view_of(const std::vector<float>& values) {
  return {.name = "w",
          .dtype = Dtype::f32,
          .shape = {static_cast<int64_t>(values.size())},
          .data = reinterpret_cast<const std::byte*>(values.data()),
          .bytes = values.size() * sizeof(float)};
}

TensorSums sums_of(const std::vector<float>& here, const std::vector<float>* before,
                   const std::vector<float>* earlier) {
  TensorView views[3];
  views[0] = view_of(here);
  if (before != nullptr) views[1] = view_of(*before);
  if (earlier != nullptr) views[2] = view_of(*earlier);
  TensorSums sums;
  add_elements(views[0], before != nullptr ? &views[1] : nullptr,
               earlier != nullptr ? &views[2] : nullptr, 0, static_cast<int64_t>(here.size()),
               sums);
  return sums;
}

TEST(Sums, OfAWayAndTheOneBefore) {
  // Nine elements: eight go side by side, one by itself.
  const std::vector<float> earlier{0, 0, 0, 0, 0, 0, 0, 0, 0}, before{1, 0, 0, 0, 0, 0, 0, 0, 2},
      here{3, 1, 0, 0, 0, 0, 0, 0, 1};
  const TensorSums sums = sums_of(here, &before, &earlier);
  EXPECT_EQ(sums.squares, 9 + 1 + 1);
  EXPECT_EQ(sums.change_squares, 4 + 1 + 1);
  EXPECT_EQ(sums.turn, 2 * 1 + 0 + -1 * 2);
  EXPECT_EQ(sums.changed, 3);
  EXPECT_TRUE(sums.has_before && sums.has_earlier);
  const TensorSums first = sums_of(here, nullptr, nullptr);
  EXPECT_FALSE(first.has_before || first.has_earlier);
  EXPECT_EQ(first.change_squares, 0);
  EXPECT_EQ(first.fingerprint, sums.fingerprint);
}

TEST(Sums, LeaveOutWhatIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinite = std::numeric_limits<float>::infinity();
  const std::vector<float> before{1, 1, 1, nan}, here{nan, -infinite, 3, 2};
  const TensorSums sums = sums_of(here, &before, nullptr);
  EXPECT_EQ(sums.nan, 1);
  EXPECT_EQ(sums.infinite, 1);
  EXPECT_EQ(sums.squares, 9 + 4);
  EXPECT_EQ(sums.change_squares, 4);
  EXPECT_EQ(sums.changed, 1);
}

TEST(Sums, FingerprintsTellBytesAndPlacesApart) {
  std::vector<float> values(100, 1.F), moved = values, swapped = values;
  values[3] = 2;
  moved[4] = 2;
  swapped[11] = 2;  // the same lane, the next eight words
  const uint64_t one = sums_of(values, nullptr, nullptr).fingerprint;
  EXPECT_EQ(one, sums_of(std::vector<float>(values), nullptr, nullptr).fingerprint);
  EXPECT_NE(one, sums_of(moved, nullptr, nullptr).fingerprint);
  EXPECT_NE(one, sums_of(swapped, nullptr, nullptr).fingerprint);
  std::vector<float> zero(9, 0.F), negative = zero;
  negative[8] = -0.F;  // equal numbers, other bytes
  EXPECT_NE(sums_of(zero, nullptr, nullptr).fingerprint,
            sums_of(negative, nullptr, nullptr).fingerprint);
}

TEST(Sums, OfIntegersAreAFingerprintAlone) {
  const std::vector<int64_t> values{1, 2};
  const TensorView view{.name = "n",
                        .dtype = Dtype::i64,
                        .shape = {2},
                        .data = reinterpret_cast<const std::byte*>(values.data()),
                        .bytes = 16};
  TensorSums sums;
  add_elements(view, &view, &view, 0, 2, sums);
  EXPECT_NE(sums.fingerprint, 0U);
  EXPECT_EQ(sums.squares, 0);
  EXPECT_FALSE(sums.has_before);
}

}  // namespace
}  // namespace explaind
