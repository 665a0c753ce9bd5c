// Every CUDA kernel against its reference twin. Built twice: for a device (skipped where there is
// none), and with the kernels run as ordinary functions (EXPLAIND_KERNELS_ON_HOST).
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/contract.hpp"
#include "kernels/cross_entropy.hpp"
#include "kernels/device.hpp"
#include "kernels/interpolate.hpp"
#include "kernels/rms_norm.hpp"
#include "unit/kernels/device_array.hpp"

namespace explaind::kernels {
namespace {

class DeviceKernels : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef EXPLAIND_KERNELS_ON_HOST
    if (!device::built()) GTEST_SKIP() << "built without CUDA";
    if (device::devices() == 0) GTEST_SKIP() << "no CUDA device";
#endif
  }

  template <typename Real>
  std::vector<Real> normal(int64_t count, double scale = 1) {
    std::normal_distribution<double> distribution(0, scale);
    std::vector<Real> values(static_cast<size_t>(count));
    for (Real& value : values) value = static_cast<Real>(distribution(engine_));
    return values;
  }
  std::mt19937 engine_{7};
};

size_t at(int64_t i) { return static_cast<size_t>(i); }

// ── interpolation ───────────────────────────────────────────────────────────────────────────────

/// Stored values of any type, as bytes.
struct StoredBytes {
  Dtype dtype;
  std::vector<std::byte> bytes;
  [[nodiscard]] int64_t elements() const {
    return static_cast<int64_t>(bytes.size() / dtype_size(dtype));
  }
  [[nodiscard]] StoredValues values() const { return {bytes.data(), dtype}; }
};

/// Random bits of finite numbers, small ones (subnormals of fp16) among them.
StoredBytes stored_bytes(Dtype dtype, int64_t count, std::mt19937& engine) {
  StoredBytes stored{dtype, {}};
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < count; ++i) {
    const auto push = [&](auto value) {
      const auto* bytes = reinterpret_cast<const std::byte*>(&value);
      stored.bytes.insert(stored.bytes.end(), bytes, bytes + sizeof(value));
    };
    const double value = normal(engine);
    if (dtype == Dtype::f64) push(value);
    if (dtype == Dtype::f32) push(static_cast<float>(value));
    if (dtype == Dtype::bf16) {
      push(static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16));
    }
    if (dtype == Dtype::f16) {
      const auto bits = static_cast<uint16_t>(engine());
      push((bits & 0x7c00) == 0x7c00 ? uint16_t{0x3c00} : bits);
    }
  }
  return stored;
}

template <typename Out>
void expect_same_bits(const std::vector<Out>& found, const std::vector<Out>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(Out)), 0);
}

template <typename Real>
void check_interpolation(const StoredBytes& from, const StoredBytes& to, double tolerance) {
  const int64_t n = from.elements();
  DeviceArray<std::byte> a(from.bytes), b(to.bytes);
  const device::Stored start{a.data(), from.dtype}, stop{b.data(), to.dtype};
  std::vector<Real> expected(at(n)), delta(at(n));
  DeviceArray<Real> out(expected), update(expected);
  device::widen(start, n, out.data(), nullptr);
  widen(from.values(), 0, n, expected.data());
  expect_same_bits(out.copy(), expected);
  device::difference(start, stop, n, update.data(), nullptr);
  difference(from.values(), to.values(), 0, n, delta.data());
  expect_same_bits(update.copy(), delta);
  device::interpolate(start, update.data(), Real{0.3F}, n, out.data(), nullptr);
  interpolate(from.values(), delta.data(), Real{0.3F}, 0, n, expected.data());
  const std::vector<Real> found = out.copy();  // one may fuse multiply and add, the other not
  for (int64_t i = 0; i < n; ++i) {
    ASSERT_NEAR(found[at(i)], expected[at(i)],
                tolerance * (std::abs(static_cast<double>(expected[at(i)])) +
                             std::abs(static_cast<double>(delta[at(i)]))));
  }
}

TEST_F(DeviceKernels, InterpolationOfEveryStoredType) {
  // 1,003: no multiple of the four elements that a thread takes.
  for (const Dtype first : {Dtype::bf16, Dtype::f16, Dtype::f32, Dtype::f64}) {
    for (const Dtype second : {Dtype::bf16, Dtype::f32}) {
      const StoredBytes from = stored_bytes(first, 1003, engine_),
                        to = stored_bytes(second, 1003, engine_);
      check_interpolation<float>(from, to, 1.2e-7);
      check_interpolation<double>(from, to, 2.3e-16);
    }
  }
}

TEST_F(DeviceKernels, InterpolationRoundedToBfloat16) {
  const StoredBytes from = stored_bytes(Dtype::bf16, 1003, engine_),
                    to = stored_bytes(Dtype::f32, 1003, engine_);
  DeviceArray<std::byte> a(from.bytes), b(to.bytes);
  std::vector<Bfloat16> expected(1003);
  DeviceArray<Bfloat16> out(expected);
  device::widen({b.data(), Dtype::f32}, 1003, out.data(), nullptr);
  round(to.values(), 0, 1003, expected.data());
  expect_same_bits(out.copy(), expected);
  device::difference({a.data(), Dtype::bf16}, {b.data(), Dtype::f32}, 1003, out.data(), nullptr);
  round_difference(from.values(), to.values(), 0, 1003, expected.data());
  expect_same_bits(out.copy(), expected);
  device::interpolate_between({a.data(), Dtype::bf16}, {b.data(), Dtype::f32}, 0.25F, 1003,
                              out.data(), nullptr);
  interpolate_between(from.values(), to.values(), 0.25F, 0, 1003, expected.data());
  expect_same_bits(out.copy(), expected);  // 0.25 · x is exact: fused or not
}

// ── contractions ────────────────────────────────────────────────────────────────────────────────

template <typename Real>
class Contraction {
 public:
  static constexpr int64_t batch = 3, positions = 13, columns = 80;
  Contraction(std::vector<Real> delta_values, std::vector<Real> z_values)
      : delta(with_nan(std::move(delta_values))),
        z(with_nan(std::move(z_values))),
        on_delta(delta),
        on_z(z) {}

  /// NaN in positions past a member's end.
  [[nodiscard]] std::vector<Real> with_nan(std::vector<Real> values) const {
    if (values.size() == at(columns)) return values;
    for (int64_t b = 0; b < batch; ++b) {
      const auto padding = values.begin() + (b * positions + lengths[at(b)]) * columns;
      std::fill(padding, values.begin() + (b + 1) * positions * columns,
                std::numeric_limits<Real>::quiet_NaN());
    }
    return values;
  }

  [[nodiscard]] device::Extent extent() { return {batch, positions, columns, on_lengths.data()}; }
  device::Batch<Real> deltas() { return {on_delta.data(), positions * columns, columns}; }
  /// The same row at every position where z is that of a bias.
  device::Batch<Real> responses() {
    return z.size() == at(columns) ? device::Batch<Real>{on_z.data(), 0, 0}
                                   : device::Batch<Real>{on_z.data(), positions * columns, columns};
  }
  Rows<Real> delta_of(int64_t b) { return {delta.data() + b * positions * columns, columns}; }
  Rows<Real> z_of(int64_t b) {
    return z.size() == at(columns) ? Rows<Real>{z.data(), 0}
                                   : Rows<Real>{z.data() + b * positions * columns, columns};
  }

  std::vector<int64_t> lengths{13, 1, 7};
  std::vector<Real> delta, z;
  DeviceArray<Real> on_delta, on_z;
  DeviceArray<int64_t> on_lengths{lengths};
};

template <typename Real>
void check_contractions(Contraction<Real> c) {
  constexpr int64_t batch = Contraction<Real>::batch, positions = Contraction<Real>::positions,
                    columns = Contraction<Real>::columns, parts = 5;
  DeviceArray<double> sums(std::vector<double>(at(batch * columns), 9)),
      part_sums(std::vector<double>(at(batch * positions * parts), 9)),
      products(std::vector<double>(at(batch * positions * columns), 9)),
      runs(std::vector<double>(at(batch * parts), 9));
  device::contract_positions(c.deltas(), c.responses(), c.extent(), sums.data(), nullptr);
  device::contract_columns(c.deltas(), c.responses(), c.extent(), parts, part_sums.data(), nullptr);
  device::contract_nothing(c.deltas(), c.responses(), c.extent(), products.data(), nullptr);
  device::sum_runs(sums.data(), batch, columns, parts, runs.data(), nullptr);
  const std::vector<double> sum = sums.copy(), part = part_sums.copy(), product = products.copy(),
                            run = runs.copy();
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = c.lengths[at(b)];
    std::vector<double> expected(at(columns)), by_part(at(positions * parts), 0.0),
        all(at(positions * columns), 0.0);
    contract_positions(c.delta_of(b), c.z_of(b), length, {0, columns}, expected.data());
    contract_nothing(c.delta_of(b), c.z_of(b), length, columns, all.data(), columns);
    for (int64_t i = 0; i < parts; ++i) {
      contract_columns(c.delta_of(b), c.z_of(b), length, {i * 16, (i + 1) * 16}, by_part.data() + i,
                       parts);
      EXPECT_NEAR(run[at(b * parts + i)], ordered_sum(expected.data() + i * 16, 16), 1e-12);
    }
    for (int64_t n = 0; n < columns; ++n) {
      EXPECT_NEAR(sum[at(b * columns + n)], expected[at(n)], 1e-13);
    }
    for (int64_t i = 0; i < positions * parts; ++i) {
      EXPECT_NEAR(part[at(b * positions * parts + i)], by_part[at(i)], 1e-13);
    }
    for (int64_t i = 0; i < positions * columns; ++i) {
      EXPECT_EQ(product[at(b * positions * columns + i)], all[at(i)]);
    }
  }
}

TEST_F(DeviceKernels, Contractions) {
  constexpr int64_t count = 3 * 13 * 80;
  check_contractions<float>({normal<float>(count), normal<float>(count)});
  check_contractions<double>({normal<double>(count), normal<double>(count)});
  check_contractions<float>({normal<float>(count), normal<float>(80)});
}

// ── cross-entropy ───────────────────────────────────────────────────────────────────────────────

template <typename Real>
void check_cross_entropy(const std::vector<Real>& logits, double tolerance) {
  constexpr int64_t rows = 4, vocabulary = 700, cut = 300;
  const std::vector<int64_t> targets{0, -1, 299, 650};
  const std::vector<double> scales{1.0, 1.0, 0.5, 0.25};
  std::vector<Real> low, high;
  for (int64_t row = 0; row < rows; ++row) {
    const auto begin = logits.begin() + row * vocabulary;
    low.insert(low.end(), begin, begin + cut);
    high.insert(high.end(), begin + cut, begin + vocabulary);
  }
  DeviceArray<Real> first(low), second(high);
  DeviceArray<int64_t> on_targets(targets);
  DeviceArray<double> on_scales(scales), chosen(std::vector<double>(rows, 0.0));
  DeviceArray<SoftmaxSum> totals{std::vector<SoftmaxSum>(rows)};
  const device::LogitSlice<Real> slices[]{
      {.logits = first.data(), .rows = rows, .n = cut, .first = 0, .targets = on_targets.data()},
      {.logits = second.data(),
       .rows = rows,
       .n = vocabulary - cut,
       .first = cut,
       .targets = on_targets.data()}};
  for (const auto& [values, count, n, begin, predicted] : slices) {
    device::add_slice<Real>({values, count, n, begin, predicted}, totals.data(), chosen.data(),
                            nullptr);
  }
  for (const device::LogitSlice<Real>& each : slices) {
    device::softmax_gradient(each, totals.data(), on_scales.data(), nullptr);
  }
  const std::vector<Real> left = first.copy(), right = second.copy();
  const std::vector<SoftmaxSum> total = totals.copy();
  const std::vector<double> picked = chosen.copy();
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<Real> expected(logits.begin() + row * vocabulary,
                               logits.begin() + (row + 1) * vocabulary);
    if (targets[at(row)] < 0) {
      std::fill(expected.begin(), expected.end(), Real{0});
    } else {
      const double loss =
          cross_entropy_backward(expected.data(), vocabulary, targets[at(row)], scales[at(row)]);
      EXPECT_NEAR(total[at(row)].logarithm() - picked[at(row)], loss, 1e-12);
    }
    for (int64_t v = 0; v < vocabulary; ++v) {
      const Real found =
          v < cut ? left[at(row * cut + v)] : right[at(row * (vocabulary - cut) + v - cut)];
      EXPECT_NEAR(found, expected[at(v)], tolerance);
    }
  }
}

TEST_F(DeviceKernels, CrossEntropyInSlices) {
  check_cross_entropy(normal<float>(4 * 700, 5), 1e-7);
  check_cross_entropy(normal<double>(4 * 700, 5), 1e-15);
}

// ── RMS norm ────────────────────────────────────────────────────────────────────────────────────

template <typename Real>
void check_rms_norm(const std::vector<Real>& x, const std::vector<Real>& gain,
                    const std::vector<Real>& delta, double tolerance) {
  const auto columns = static_cast<int64_t>(gain.size());
  const int64_t rows = static_cast<int64_t>(x.size()) / columns;
  std::vector<Real> y(x.size()), scale(at(rows)), gradient(x.size()), z(x.size());
  DeviceArray<Real> on_x(x), on_gain(gain), on_delta(delta), on_y(y), on_scale(scale),
      on_gradient(y), on_z(y);
  const NormRows<Real> there{.x = on_x.data(), .factors = on_gain.data(), .columns = columns},
      here{.x = x.data(), .factors = gain.data(), .columns = columns};
  device::rms_norm(there, 1e-5, rows, on_y.data(), on_scale.data(), nullptr);
  device::rms_norm_backward(there, on_scale.data(), on_delta.data(), rows, on_gradient.data(),
                            nullptr);
  device::rms_norm_response(there, on_scale.data(), rows, on_z.data(), nullptr);
  rms_norm(here, 1e-5, {0, rows}, y.data(), scale.data());
  rms_norm_backward(here, scale.data(), delta.data(), {0, rows}, gradient.data());
  rms_norm_response(here, scale.data(), {0, rows}, z.data());
  const auto expect_near = [&](const std::vector<Real>& found, const std::vector<Real>& expected) {
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(found[i], expected[i], tolerance) << i;
    }
  };
  expect_near(on_y.copy(), y);
  expect_near(on_scale.copy(), scale);
  expect_near(on_gradient.copy(), gradient);
  expect_near(on_z.copy(), z);
}

TEST_F(DeviceKernels, RmsNorm) {
  check_rms_norm(normal<float>(5 * 333), normal<float>(333), normal<float>(5 * 333), 5e-6);
  check_rms_norm(normal<double>(5 * 333), normal<double>(333), normal<double>(5 * 333), 1e-14);
}

}  // namespace
}  // namespace explaind::kernels
