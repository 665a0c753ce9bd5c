#include "datasets/dataset.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

namespace explaind {
namespace {

/// How often each value occurs in one channel: sums of whole numbers are exact in any order.
std::array<int64_t, 256> value_counts(const at::Tensor& channel) {
  std::array<int64_t, 256> counts{};
  const at::Tensor values = channel.contiguous();
  const uint8_t* data = values.const_data_ptr<uint8_t>();
  for (int64_t i = 0; i < values.numel(); ++i) ++counts[data[i]];
  return counts;
}

at::Tensor per_channel(const std::vector<double>& values, at::ScalarType type) {
  return at::tensor(values, at::kDouble).to(type).view({-1, 1, 1});
}

}  // namespace

ImageTransform standardising_transform(const at::Tensor& images) {
  ImageTransform transform;
  for (int64_t c = 0; c < images.size(1); ++c) {
    const auto counts = value_counts(images.select(1, c));
    double sum = 0, squares = 0, count = 0;
    for (size_t value = 0; value < counts.size(); ++value) {
      const double pixel = static_cast<double>(value) / 255,
                   times = static_cast<double>(counts[value]);
      sum += times * pixel;
      squares += times * pixel * pixel;
      count += times;
    }
    const double mean = sum / count;
    const double variance = squares / count - mean * mean;
    transform.mean.push_back(mean);
    transform.deviation.push_back(variance > 1e-12 ? std::sqrt(variance) : 1.0);
  }
  return transform;
}

at::Tensor network_inputs(const Dataset& data, const ImageTransform& transform,
                          const std::vector<int64_t>& indices, const std::vector<uint8_t>& flips,
                          at::ScalarType type) {
  const at::Tensor rows = data.inputs.index_select(0, at::tensor(indices, at::kLong));
  if (!data.images()) return rows.is_floating_point() ? rows.to(type) : rows;
  at::Tensor images = rows.to(type).div_(255);
  images.sub_(per_channel(transform.mean, type)).div_(per_channel(transform.deviation, type));
  if (flips.empty()) return images;
  const at::Tensor mirrored = at::tensor(flips, at::kByte).to(at::kBool).view({-1, 1, 1, 1});
  return at::where(mirrored, images.flip({3}), images);
}

}  // namespace explaind
