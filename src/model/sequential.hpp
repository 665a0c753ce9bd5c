#pragma once
// Chains of PyTorch's common layers, as torch.nn.Sequential has them.

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "model/classifier.hpp"
#include "model/smoothness.hpp"

namespace explaind {

/// A classifier out of layers one after the other: vectors or images in, logits of classes out.
/// Parameters are named as in torch.nn.Sequential, by the layer's number: "0.weight", "2.bias".
class Sequential final : public Classifier, public OfSmoothness {
 public:
  /// config: {"input": [features] or [channels, height, width], "layers": [{"type": …}, …]} with
  /// - linear: in, out, bias (true or false);
  /// - conv2d: in, out, kernel, stride, padding (square; no bias);
  /// - max_pool2d: size; flatten; relu; gelu (the exact one); silu.
  /// `where` names the file in messages. Throws DataError naming the layer: an unknown type, a key
  /// missing or of another type, sizes that do not follow from the layer before, an end that is no
  /// linear layer.
  Sequential(const nlohmann::json& config, const std::string& where);

  /// input: B features, or B channels height width. Returns B K. Throws DataError for inputs of
  /// another shape than the configuration's.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] int64_t classes() const override { return classes_; }
  /// Of the roughest layer.
  [[nodiscard]] Smoothness smoothness() const override;

 private:
  struct Convolution {
    ParameterId weight = no_parameter;
    int64_t stride = 1, padding = 0;
  };
  struct MaxPool {
    int64_t size = 2;
  };
  struct Flatten {};
  using Layer = std::variant<Linear, Convolution, MaxPool, Flatten, Activation>;

  Layer build(const nlohmann::json& layer, size_t index, bool last, const std::string& where,
              std::vector<int64_t>& shape);

  std::string where_;
  std::vector<int64_t> input_;  ///< without B
  std::vector<Layer> layers_;
  int64_t classes_ = 0;
};

}  // namespace explaind
