#pragma once
// Data to train classifiers and small language models on, as recorded runs keep it.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace explaind {

/// N samples.
struct Dataset {
  at::Tensor inputs;  ///< images N C H W (u8), token ids N T (int64), or what the network
                      ///< takes as it is: N … (a floating type)
  at::Tensor labels;  ///< classes N, or the token that follows each position N T (int64)

  [[nodiscard]] int64_t size() const { return inputs.size(0); }
  [[nodiscard]] bool images() const { return inputs.scalar_type() == at::kByte; }
};

/// From a stored image to what the network sees: (pixel / 255 − mean) / deviation, per channel.
struct ImageTransform {
  std::vector<double> mean, deviation;
};

/// What one training uses.
struct TrainingData {
  Dataset train, validation;
  int64_t classes = 0;
  ImageTransform transform;    ///< empty where inputs are tokens
  nlohmann::json description;  ///< what it is and which files it comes from; identifies it
};

/// Mean and deviation of every channel over all pixels of `images` (N C H W, u8), each taken as
/// pixel / 255. A channel of one value has deviation 1.
ImageTransform standardising_transform(const at::Tensor& images);

/// The inputs of these samples as a network takes them: B C H W or B … of `type`, or B T of int64.
/// indices: B. flips: B, 1 mirrors an image left to right; empty for none.
at::Tensor network_inputs(const Dataset& data, const ImageTransform& transform,
                          const std::vector<int64_t>& indices, const std::vector<uint8_t>& flips,
                          at::ScalarType type);

}  // namespace explaind
