#pragma once
// A network with kinks: token embedding → linear → ReLU → linear. Its integrands jump where a unit
// switches on the way.

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "model/network.hpp"

namespace explaind::testing {

class ReluNetwork final : public Network {
 public:
  ReluNetwork(int64_t vocabulary, int64_t width) : vocabulary_(vocabulary) {
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, int layer,
                         const std::string& kind) {
      parameters_.push_back({.name = name,
                             .shape = std::move(shape),
                             .layer = layer,
                             .layer_name = name,
                             .kind = kind});
    };
    add("embed.weight", {vocabulary, width}, -1, "embedding");
    add("inner.weight", {2 * width, width}, 0, "mlp");
    add("inner.bias", {2 * width}, 0, "mlp");
    add("out.weight", {vocabulary, 2 * width}, 1, "unembedding");
  }

  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const override {
    return parameters_;
  }
  [[nodiscard]] int64_t blocks() const override { return 2; }
  [[nodiscard]] at::Tensor block(int64_t index, const at::Tensor& input, Ops& ops) const override {
    if (index == 0) return ops.embedding(input, 0);
    return at::relu(ops.linear(input, {1, 2}));
  }
  [[nodiscard]] std::vector<ParameterId> block_parameters(int64_t index) const override {
    return index == 0 ? std::vector<ParameterId>{} : std::vector<ParameterId>{1, 2};
  }
  [[nodiscard]] ParameterId unembedding() const override { return 3; }
  [[nodiscard]] int64_t vocabulary() const override { return vocabulary_; }
  [[nodiscard]] int64_t max_positions() const override { return 64; }
  [[nodiscard]] bool ignores(const std::string& /*tensor*/) const override { return false; }

 private:
  int64_t vocabulary_;
  std::vector<ParameterInfo> parameters_;
};

}  // namespace explaind::testing
