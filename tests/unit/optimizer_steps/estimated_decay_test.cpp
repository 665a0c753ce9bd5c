// Weight decay between checkpoints against R summed step by step along the straight line.

#include "optimizer_steps/estimated_decay.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "parameters/endpoints.hpp"

namespace explaind {
namespace {

constexpr ParameterId decayed = 0, spared = 1;

TensorView view(const at::Tensor& tensor) {
  return {.name = "w",
          .dtype = tensor.scalar_type() == at::kDouble ? Dtype::f64 : Dtype::bf16,
          .shape = tensor.sizes().vec(),
          .data = static_cast<const std::byte*>(tensor.const_data_ptr()),
          .bytes = tensor.nbytes()};
}

/// Two parameters at steps 3, 10 and 11.
class ThreePoints final : public Path {
 public:
  explicit ThreePoints(at::ScalarType type) {
    at::manual_seed(3);
    for (int point = 0; point < 3; ++point) {
      points_.push_back(
          {at::randn({4, 5}, at::kDouble).to(type), at::randn({5}, at::kDouble).to(type)});
    }
  }
  [[nodiscard]] size_t size() const override { return 3; }
  [[nodiscard]] int64_t step(size_t point) const override {
    constexpr int64_t steps[] = {3, 10, 11};
    return steps[point];
  }
  [[nodiscard]] TensorView tensor(size_t point, ParameterId parameter) const override {
    return view(at(point, parameter));
  }
  [[nodiscard]] std::string describe(size_t /*point*/) const override { return "a point"; }
  [[nodiscard]] const at::Tensor& at(size_t point, ParameterId parameter) const {
    return points_[point][static_cast<size_t>(parameter)];
  }

 private:
  std::vector<std::vector<at::Tensor>> points_;
};

double rate(int64_t step) { return 1e-2 / static_cast<double>(step); }

at::Tensor along(const EstimatedDecay& parts, const PointPair& pair, ParameterId parameter,
                 at::IntArrayRef shape) {
  const std::vector<StoredSum> found = parts.between(pair, parameter);
  EXPECT_EQ(found.size(), 1U);
  return direction_of(found.at(0), shape.vec(), at::kDouble, Device::cpu());
}

TEST(EstimatedDecay, IsTheSumOverStepsOnTheStraightLine) {
  for (const at::ScalarType type : {at::kDouble, at::kBFloat16}) {
    const auto path = std::make_shared<const ThreePoints>(type);
    const EstimatedDecay parts(path, rate, {0.3, 0});
    EXPECT_EQ(parts.count(), 1);
    for (const PointPair& pair : {PointPair{0, 1}, PointPair{1, 2}, PointPair{0, 2}}) {
      const at::Tensor from = path->at(pair.from, decayed).to(at::kDouble);
      const at::Tensor to = path->at(pair.to, decayed).to(at::kDouble);
      const int64_t first = path->step(pair.from), last = path->step(pair.to);
      at::Tensor sum = at::zeros_like(from);
      for (int64_t r = first; r < last; ++r) {
        const double t = static_cast<double>(r - first) / static_cast<double>(last - first);
        sum -= 0.3 * rate(r) * (from + t * (to - from));
      }
      EXPECT_LT((along(parts, pair, decayed, from.sizes()) - sum).abs().max().item<double>(),
                1e-16);
      EXPECT_EQ(along(parts, pair, spared, {5}).abs().max().item<double>(), 0);
    }
  }
}

}  // namespace
}  // namespace explaind
