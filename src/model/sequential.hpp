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
/// Parameters are named as in torch.nn.Sequential, by the layer: "0.weight", "2.bias".
class Sequential final : public Classifier, public OfSmoothness {
 public:
  /// config: {"input": [features] or [channels, height, width], "layers": [{"type": …}, …]} with
  /// - linear: in, out, bias (true or false);
  /// - conv2d: in, out, kernel, stride, padding (square), bias (false where it is missing);
  /// - max_pool2d, avg_pool2d: size, stride (size where it is missing), padding (0 likewise);
  ///   avg_pool2d has also count_padding (true): whether padding counts in the mean;
  /// - max_over_image, mean_over_image, which leave one pixel; flatten; identity;
  /// - dropout: rate. Here it is the identity, as in evaluation;
  /// - an activation function (model/activation.hpp), or leaky_relu: slope.
  /// A layer may have a name in place of its number. `where` names the file in messages. Throws
  /// DataError naming the layer: an unknown type, a key missing or of another type, sizes that do
  /// not follow from the layer before, an end that is no vector, no layer with parameters.
  Sequential(const nlohmann::json& config, const std::string& where);

  /// input: B features, or B channels height width. Returns B K. Throws DataError for inputs of
  /// another shape than the configuration's.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] int64_t classes() const override { return classes_; }
  [[nodiscard]] std::string random_layer() const override { return random_layer_; }
  /// The smoothness of the roughest layer.
  [[nodiscard]] Smoothness smoothness() const override;

 private:
  struct Convolution {
    ParameterId weight = no_parameter, bias = no_parameter;
    int64_t stride = 1, padding = 0;
  };
  struct Pool {
    enum Kind { largest, mean } kind = largest;
    int64_t size = 2, stride = 2, padding = 0;
    bool count_padding = true;
  };
  struct OverImage {
    Pool::Kind kind = Pool::largest;
  };
  struct Flatten {};
  struct Identity {};
  struct LeakyRelu {
    double slope = 0;
  };
  using Layer =
      std::variant<Linear, Convolution, Pool, OverImage, Flatten, Identity, LeakyRelu, Activation>;

  class Description;
  /// shape: of the layer's input, without B; becomes that of its output. last: no linear layer
  /// comes after it.
  Layer build(const Description& layer, bool last, std::vector<int64_t>& shape);
  Layer build_linear(const Description& layer, bool last, std::vector<int64_t>& shape);
  Layer build_convolution(const Description& layer, std::vector<int64_t>& shape);
  [[nodiscard]] at::Tensor apply(const Layer& layer, const at::Tensor& x, Ops& ops) const;

  std::string where_;
  std::vector<int64_t> input_;  ///< without B
  std::vector<Layer> layers_;
  int64_t classes_ = 0;
  std::string random_layer_;
};

}  // namespace explaind
