// Conversion against the definition of the formats, over every bit pattern.

#include "checkpoint/convert.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::HasSubstr;

/// sign · significand · 2^exponent by the IEEE 754 definition, from the numbers of bits alone.
double decode(unsigned bits, int exponent_bits, int fraction_bits) {
  const unsigned exponent_mask = (1U << exponent_bits) - 1U;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits >> (exponent_bits + fraction_bits)) != 0 ? -1.0 : 1.0;
  const unsigned exponent = (bits >> fraction_bits) & exponent_mask;
  const unsigned fraction = bits & ((1U << fraction_bits) - 1U);
  if (exponent == exponent_mask) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp(fraction + (1U << fraction_bits),
                           static_cast<int>(exponent) - bias - fraction_bits);
}

/// A tensor over bytes that it owns, `shift` bytes off alignment.
struct Stored {
  template <typename T>
  Stored(Dtype dtype, const std::vector<T>& values, size_t shift = 0,
         const std::vector<int64_t>& shape = {})
      : bytes(shift + values.size() * sizeof(T) + 8) {
    std::memcpy(bytes.data() + shift, values.data(), values.size() * sizeof(T));
    view.name = "w";
    view.dtype = dtype;
    view.shape = shape.empty() ? std::vector{static_cast<int64_t>(values.size())} : shape;
    view.data = bytes.data() + shift;
    view.bytes = values.size() * sizeof(T);
  }
  std::vector<std::byte> bytes;
  TensorView view;
};

std::vector<uint16_t> all_patterns() {
  std::vector<uint16_t> patterns(65536);
  std::iota(patterns.begin(), patterns.end(), uint16_t{0});
  return patterns;
}

template <typename Real>
void expect_same(Real actual, double expected, size_t pattern) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << pattern;
  } else {
    EXPECT_EQ(static_cast<double>(actual), expected) << pattern;
    EXPECT_EQ(std::signbit(actual), std::signbit(expected)) << pattern;
  }
}

struct Sixteen {
  Dtype dtype;
  int exponent_bits, fraction_bits;
};

class SixteenBits : public ::testing::TestWithParam<Sixteen> {};

TEST_P(SixteenBits, EveryPatternAtEveryAlignment) {
  const auto [dtype, exponent_bits, fraction_bits] = GetParam();
  for (const size_t shift : {0U, 1U, 2U, 7U}) {
    const Stored stored(dtype, all_patterns(), shift);
    std::vector<float> floats(65536);
    std::vector<double> doubles(65536);
    to_float(stored.view, floats);
    to_double(stored.view, doubles);
    for (size_t i = 0; i < 65536; ++i) {
      const double expected = decode(static_cast<unsigned>(i), exponent_bits, fraction_bits);
      expect_same(floats[i], expected, i);
      expect_same(doubles[i], expected, i);
    }
  }
}

TEST_P(SixteenBits, FindsEachPatternThatIsNotFinite) {
  const auto [dtype, exponent_bits, fraction_bits] = GetParam();
  for (unsigned pattern = 0; pattern < 65536; ++pattern) {
    const Stored stored(dtype, std::vector<uint16_t>{0, static_cast<uint16_t>(pattern)}, 1);
    if (std::isfinite(decode(pattern, exponent_bits, fraction_bits))) {
      EXPECT_NO_THROW(require_finite(stored.view, "here")) << pattern;
    } else {
      EXPECT_THROW(require_finite(stored.view, "here"), DataError) << pattern;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, SixteenBits,
                         ::testing::Values(Sixteen{Dtype::f16, 5, 10}, Sixteen{Dtype::bf16, 8, 7}),
                         [](const auto& test) { return to_string(test.param.dtype); });

TEST(Convert, WideTypesUnalignedAndByRange) {
  const std::vector<float> floats = {1.5F, -0.0F, 1e-45F, 3e38F, 0.1F};
  const std::vector<double> doubles = {1.5, -2.25, 0.1, 1e300, -1e-300};
  for (size_t shift = 0; shift < 8; ++shift) {
    const Stored single(Dtype::f32, floats, shift);
    const Stored wide(Dtype::f64, doubles, shift);
    std::vector<float> as_float(2);
    std::vector<double> as_double(3);
    to_float(single.view, 3, as_float);
    EXPECT_EQ(as_float, (std::vector<float>{3e38F, 0.1F}));
    to_double(single.view, 1, as_double);
    EXPECT_EQ(as_double, (std::vector<double>{-0.0, double{1e-45F}, double{3e38F}}));
    to_double(wide.view, 2, as_double);
    EXPECT_EQ(as_double, (std::vector<double>{0.1, 1e300, -1e-300}));
    to_float(wide.view, 1, as_float);
    EXPECT_EQ(as_float, (std::vector<float>{-2.25F, 0.1F}));
  }
}

TEST(Convert, RefusesIntegersAndRangesOutsideTheTensor) {
  const Stored integers(Dtype::i32, std::vector<int32_t>{1, 2});
  const Stored floats(Dtype::f32, std::vector<float>{1, 2, 3});
  std::vector<float> two(2);
  EXPECT_THAT(data_error([&] { to_float(integers.view, two); }),
              HasSubstr("tensor \"w\": its dtype I32 is not a floating type"));
  EXPECT_THROW(to_float(floats.view, 2, two), std::out_of_range);
  EXPECT_THROW(to_float(floats.view, -1, two), std::out_of_range);
  EXPECT_THROW(to_float(floats.view, 4, {}), std::out_of_range);
  EXPECT_THROW(to_float(floats.view, two), std::out_of_range);
  EXPECT_NO_THROW(to_float(floats.view, 3, {}));
}

TEST(RequireFinite, NamesCheckpointTensorElementAndValue) {
  std::vector<float> values(3 * 5000, 1.0F);
  values[2 * 5000 + 17] = std::numeric_limits<float>::quiet_NaN();
  values[2 * 5000 + 18] = std::numeric_limits<float>::infinity();
  const Stored single(Dtype::f32, values, 3, {3, 5000});
  EXPECT_THAT(data_error([&] { require_finite(single.view, "series/step-100"); }),
              HasSubstr("series/step-100: tensor \"w\": element [2, 17] is NaN"));
  const Stored wide(Dtype::f64, std::vector<double>{0, -std::numeric_limits<double>::infinity()});
  EXPECT_THAT(data_error([&] { require_finite(wide.view, "there"); }),
              HasSubstr("there: tensor \"w\": element [1] is minus infinite"));
  const Stored half(Dtype::f16, std::vector<uint16_t>{0x7c00});
  EXPECT_THAT(data_error([&] { require_finite(half.view, "there"); }), HasSubstr("is infinite"));
  const Stored integers(Dtype::i32, std::vector<int32_t>{-1, 0x7f800000});
  EXPECT_NO_THROW(require_finite(integers.view, "there"));
  const double largest = std::numeric_limits<double>::max();
  EXPECT_NO_THROW(require_finite(Stored(Dtype::f64, std::vector{largest, -largest}).view, "x"));
}

TEST(RequireFinite, LooksAtEveryElement) {
  for (const size_t at : {0U, 4095U, 4096U, 8191U, 8192U, 12287U, 12288U, 14999U}) {
    std::vector<double> values(15000, -1.0);
    values[at] = std::numeric_limits<double>::quiet_NaN();
    const Stored stored(Dtype::f64, values);
    EXPECT_THAT(data_error([&] { require_finite(stored.view, "x"); }),
                HasSubstr("element [" + std::to_string(at) + "] is NaN"));
  }
}

}  // namespace
}  // namespace explaind
