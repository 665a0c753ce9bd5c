#pragma once
// ResNet-9 without batch normalisation and biases (CIFAR-2 type).

#include "model/classifier.hpp"

namespace explaind {

struct Resnet9Config {
  int64_t channels = 3;
  int64_t width = 64;   ///< filters of the first convolution; the others are multiples of it
  int64_t classes = 2;  ///< 64 and 2: 2,271,168 parameters
  Activation activation = Activation::relu;
};

/// With w the width: 3×3 to w · 5×5 stride 2 to 2w · residual of two 3×3 · 3×3 to 4w · 2×2 maximum
/// · residual of two 3×3 · 3×3 unpadded to 2w · maximum over the image · linear · × 0.2. The
/// activation follows each convolution.
class Resnet9 final : public Classifier {
 public:
  explicit Resnet9(const Resnet9Config& config);
  /// images: B channels H W, H and W at least 12. Returns B K.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const override;
  [[nodiscard]] int64_t classes() const override { return config_.classes; }

 private:
  struct Residual {
    ParameterId first = no_parameter, second = no_parameter;
  };
  [[nodiscard]] at::Tensor convolve(const at::Tensor& x, ParameterId weight, int64_t stride,
                                    int64_t padding, Ops& ops) const;
  [[nodiscard]] at::Tensor residual(const at::Tensor& x, const Residual& block, Ops& ops) const;

  Resnet9Config config_;
  ParameterId stem_ = no_parameter, down_ = no_parameter, wide_ = no_parameter,
              narrow_ = no_parameter;
  Residual residual1_, residual2_;
  Linear out_;
};

}  // namespace explaind
