// Products of bf16 numbers: Δ is never formed in bf16, sources agree to the bit, and the residual
// shows what the rounding costs.

#include "tensors/precision.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

class Bf16 : public ::testing::Test {
 protected:
  Decoder network{tiny_config()};
  std::vector<at::Tensor> from = random_point(network, 1);
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 8}, 37);

  [[nodiscard]] ScoreTile run(double scale, at::ScalarType products, bool streamed = false) const {
    std::vector<std::vector<at::Tensor>> points(2);
    for (const at::Tensor& tensor : from) points[0].push_back(tensor.to(at::kFloat));
    for (const at::Tensor& tensor : moved(network, from, 2, scale)) {
      points[1].push_back(tensor.to(at::kFloat));
    }
    RunOptions options = fixed_rule("gauss:5");
    options.type = at::kFloat;
    options.products = products;
    options.streamed = streamed;
    return decompose(network, MemoryTrajectory(points), samples, options);
  }
};

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double each : values) sum += each * each;
  return std::sqrt(sum);
}

double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> apart(a.size());
  for (size_t i = 0; i < a.size(); ++i) apart[i] = a[i] - b[i];
  return norm(apart) / norm(b);
}

TEST_F(Bf16, UpdatesBelowItsResolutionCount) {
  // Both ends round to the same bf16 numbers nearly everywhere: an update formed from rounded ends
  // would be 0 or two orders too large.
  const ScoreTile exact = run(1e-5, at::kFloat), rounded = run(1e-5, at::kBFloat16);
  EXPECT_LT(relative_distance(rounded.psi, exact.psi), 0.05);
}

TEST_F(Bf16, CostsWhatTheResidualShows) {
  const ScoreTile exact = run(0.02, at::kFloat), rounded = run(0.02, at::kBFloat16);
  const double distance = relative_distance(rounded.psi, exact.psi);
  EXPECT_LT(distance, 0.05);
  EXPECT_GT(distance, 1e-4) << "nothing was rounded";
  EXPECT_GT(norm(rounded.residual), 10 * norm(exact.residual));
  EXPECT_LT(norm(rounded.residual), 0.05 * norm(exact.psi));
}

TEST_F(Bf16, SourcesAgreeToTheBit) {
  const ScoreTile resident = run(0.1, at::kBFloat16), streamed = run(0.1, at::kBFloat16, true);
  EXPECT_EQ(resident.psi, streamed.psi);
  EXPECT_EQ(resident.value_to, streamed.value_to);
}

TEST(ParsePrecision, KnowsFourWords) {
  EXPECT_EQ(parse_precision("fp64").products, at::kDouble);
  EXPECT_FALSE(parse_precision("fp32").rounds_products());
  EXPECT_TRUE(parse_precision("tf32").tf32);
  EXPECT_TRUE(parse_precision("bf16").rounds_products());
  EXPECT_THROW(parse_precision("fp16"), UsageError);
}

}  // namespace
}  // namespace explaind::testing
