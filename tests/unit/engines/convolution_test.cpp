// Engine A of a convolution against dense gradients times updates.

#include <gtest/gtest.h>

#include <utility>

#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

/// Token embedding → the T × C activations as an image of one channel → two strided or padded
/// convolutions → unembedding.
class ConvolutionNetwork final : public Network {
 public:
  ConvolutionNetwork() {
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, int layer) {
      parameters_.push_back({.name = name,
                             .shape = std::move(shape),
                             .layer = layer,
                             .layer_name = name,
                             .kind = name.substr(0, name.find('.'))});
    };
    add("embedding.weight", {19, 6}, -1);
    add("convolution.first", {4, 1, 3, 3}, 0);
    add("convolution.second", {2, 4, 1, 1}, 0);
    add("unembedding.weight", {19, 6}, 1);
  }

  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const override {
    return parameters_;
  }
  [[nodiscard]] int64_t blocks() const override { return 2; }
  [[nodiscard]] at::Tensor block(int64_t index, const at::Tensor& input, Ops& ops) const override {
    if (index == 0) return ops.embedding(input, 0);
    const at::Tensor image = input.unsqueeze(1);                                  // B 1 T C
    const at::Tensor inner = at::tanh(ops.conv2d(image, 1, no_parameter, 1, 1));  // B 4 T C
    const at::Tensor halved = ops.conv2d(inner, 2, no_parameter, 2, 0);  // B 2 ⌈T/2⌉ C/2
    // Back to B T C: each position gets what its half of the image says.
    const at::Tensor joined = at::cat({halved.select(1, 0), halved.select(1, 1)}, -1);
    return joined.repeat_interleave(2, 1).narrow(1, 0, input.size(1));
  }
  [[nodiscard]] std::vector<ParameterId> block_parameters(int64_t index) const override {
    return index == 0 ? std::vector<ParameterId>{} : std::vector<ParameterId>{1, 2};
  }
  [[nodiscard]] ParameterId unembedding() const override { return 3; }
  [[nodiscard]] int64_t vocabulary() const override { return 19; }
  [[nodiscard]] int64_t max_positions() const override { return 64; }
  [[nodiscard]] bool ignores(const std::string& /*tensor*/) const override { return false; }

 private:
  std::vector<ParameterInfo> parameters_;
};

TEST(Convolution, IsScoredAsDenseGradientsTimesUpdates) {
  const ConvolutionNetwork network;
  const std::vector<at::Tensor> from = random_point(network, 1);
  const std::vector<at::Tensor> to = moved(network, from, 2, 0.05);
  const MemoryTrajectory trajectory{{from, to}};
  const std::vector<Sample> samples = random_samples({7, 7, 7}, 19);
  for (const auto& [streamed, form] : {std::pair(false, ProductForm::formed),
                                       {true, ProductForm::formed},
                                       {true, ProductForm::split}}) {
    for (const Granularity granularity :
         {Granularity::kind, Granularity::tensor, Granularity::head, Granularity::row}) {
      RunOptions options = fixed_rule("gauss:3");
      options.granularity = granularity;
      options.streamed = streamed;
      options.form = form;
      const ScoreTile tile = decompose(network, trajectory, samples, options);
      const ComponentTable table(granularity, network.parameters());
      const auto size = static_cast<size_t>(table.size());
      for (size_t s = 0; s < samples.size(); ++s) {
        const std::vector<double> expected =
            sum_to_components(table, dense_scores(network, from, to, samples[s], gauss_rule(3)));
        for (size_t c = 0; c < size; ++c) {
          EXPECT_NEAR(tile.psi[s * size + c], expected[c], 1e-13)
              << to_string(granularity) << ", " << table.components()[c].name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace explaind::testing
