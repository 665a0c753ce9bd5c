#pragma once
// A small convolutional network for grey or colour images (MNIST type).

#include "model/classifier.hpp"

namespace explaind {

struct CnnConfig {
  int64_t channels = 1, height = 28, width = 28;  ///< of the images
  int64_t filters1 = 16, filters2 = 32, hidden = 64, classes = 10;
  Activation activation = Activation::relu;
};

/// Two times (3 × 3 convolution without bias, activation, 2 × 2 maximum), then linear, activation,
/// linear.
class Cnn final : public Classifier {
 public:
  explicit Cnn(const CnnConfig& config);
  /// images: B channels height width. Returns B K.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] int64_t classes() const override { return config_.classes; }

 private:
  CnnConfig config_;
  ParameterId conv1_ = no_parameter, conv2_ = no_parameter;
  Linear hidden_, out_;
};

}  // namespace explaind
