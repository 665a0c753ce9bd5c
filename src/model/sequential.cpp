#include "model/sequential.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "checkpoint/tensor_view.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* known = "linear, conv2d, max_pool2d, flatten, relu, gelu, silu";

/// One entry of "layers", and the messages about it.
class Description {
 public:
  Description(const nlohmann::json& layer, size_t index, const std::string& where)
      : layer_(layer), index_(index), where_(where) {}

  [[noreturn]] void refuse(const std::string& what, const std::string& remedy = "") const {
    throw DataError(where_, fmt::format("layer {} of model.config.layers: {}", index_, what),
                    remedy);
  }
  [[nodiscard]] std::string type() const {
    if (!layer_.is_object() || !layer_.contains("type") || !layer_["type"].is_string()) {
      refuse("it has no type", fmt::format("Known: {}", known));
    }
    return layer_["type"].get<std::string>();
  }
  [[nodiscard]] int64_t size(const char* key, int64_t least = 1) const {
    const auto found = layer_.find(key);
    if (found == layer_.end()) refuse(fmt::format("\"{}\" is missing", key), "Add it");
    if (!found->is_number_integer() || found->get<int64_t>() < least) {
      refuse(fmt::format("{} is {}", key, found->dump()),
             fmt::format("A whole number of at least {} is needed", least));
    }
    return found->get<int64_t>();
  }
  [[nodiscard]] bool flag(const char* key) const {
    const auto found = layer_.find(key);
    if (found == layer_.end() || !found->is_boolean()) {
      refuse(fmt::format("\"{}\" is not true or false", key));
    }
    return found->get<bool>();
  }

 private:
  const nlohmann::json& layer_;
  size_t index_;
  const std::string& where_;
};

std::vector<int64_t> input_shape(const nlohmann::json& config, const std::string& where) {
  const auto found = config.find("input");
  const bool right = found != config.end() && found->is_array() &&
                     (found->size() == 1 || found->size() == 3) &&
                     std::all_of(found->begin(), found->end(), [](const nlohmann::json& size) {
                       return size.is_number_integer() && size.get<int64_t>() >= 1;
                     });
  if (!right) {
    throw DataError(where, "model.config.input is not a list of sizes",
                    "Give [features], or [channels, height, width]");
  }
  return found->get<std::vector<int64_t>>();
}

}  // namespace

Sequential::Sequential(const nlohmann::json& config, const std::string& where)
    : where_(where), input_(input_shape(config, where)) {
  std::vector<int64_t> shape = input_;
  const auto layers = config.find("layers");
  if (layers == config.end() || !layers->is_array() || layers->empty()) {
    throw DataError(where, "model.config.layers is not a list of layers",
                    fmt::format("Known: {}", known));
  }
  for (size_t i = 0; i < layers->size(); ++i) {
    layers_.push_back(build((*layers)[i], i, i + 1 == layers->size(), where, shape));
  }
  if (!std::holds_alternative<Linear>(layers_.back())) {
    throw DataError(where, "the last of model.config.layers is not linear",
                    "The model ends with the logits of its classes");
  }
  classes_ = shape[0];
}

/// shape: of the layer's input, without B; becomes that of its output.
Sequential::Layer Sequential::build(const nlohmann::json& layer, size_t index, bool last,
                                    const std::string& where, std::vector<int64_t>& shape) {
  const Description described(layer, index, where);
  const std::string type = described.type(), name = std::to_string(index);
  const auto number = static_cast<int>(index);
  const bool image = shape.size() == 3;
  const auto expect = [&](bool wants_image, int64_t inputs) {
    if (image != wants_image) {
      described.refuse(image ? "it takes vectors and is given an image, add flatten before it"
                             : "it takes images and is given a vector");
    }
    if (inputs != shape[0]) {
      described.refuse(fmt::format("in is {}, and {} come from before it", inputs, shape[0]));
    }
  };
  if (type == "linear") {
    const int64_t in = described.size("in"), out = described.size("out");
    expect(false, in);
    shape = {out};
    return add_linear({.name = name,
                       .shape = {},
                       .layer = number,
                       .layer_name = name,
                       .kind = last ? "unembedding" : "mlp"},
                      out, in, described.flag("bias"));
  }
  if (type == "conv2d") {
    const int64_t in = described.size("in"), out = described.size("out"),
                  kernel = described.size("kernel"), stride = described.size("stride"),
                  padding = described.size("padding", 0);
    expect(true, in);
    const auto pixels = [&](int64_t size) {
      const int64_t room = size + 2 * padding - kernel;
      if (room < 0) described.refuse(fmt::format("its kernel is larger than {} pixels", size));
      return room / stride + 1;
    };
    shape = {out, pixels(shape[1]), pixels(shape[2])};
    return Convolution{add_convolution(name, number, out, in, kernel), stride, padding};
  }
  if (type == "max_pool2d") {
    const int64_t size = described.size("size");
    expect(true, shape[0]);
    shape = {shape[0], shape[1] / size, shape[2] / size};
    if (shape[1] * shape[2] == 0) described.refuse("nothing is left of the image");
    return MaxPool{size};
  }
  if (type == "flatten") {
    shape = {std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>())};
    return Flatten{};
  }
  if (type == "relu") return Activation::relu;
  if (type == "gelu") return Activation::gelu;
  if (type == "silu") return Activation::silu;
  described.refuse(fmt::format("type '{}' is not known", type), fmt::format("Known: {}", known));
}

Smoothness Sequential::smoothness() const {
  Smoothness roughest = Smoothness::smooth;
  for (const Layer& layer : layers_) {
    if (std::holds_alternative<MaxPool>(layer)) roughest = Smoothness::kinks;
    if (const auto* function = std::get_if<Activation>(&layer)) {
      roughest = rougher(roughest, smoothness_of(*function));
    }
  }
  return roughest;
}

at::Tensor Sequential::forward(const at::Tensor& input, Ops& ops) const {
  if (input.sizes().slice(1) != at::IntArrayRef(input_)) {
    throw DataError(
        where_,
        fmt::format("model.config.input is {}, and the inputs of the data are {}",
                    shape_to_string(input_), shape_to_string(input.sizes().slice(1).vec())));
  }
  // Vectors have one position a sample: B 1 features.
  at::Tensor x = input.dim() == 2 ? input.unsqueeze(1) : input;
  for (const Layer& layer : layers_) {
    if (const auto* linear = std::get_if<Linear>(&layer)) {
      x = ops.linear(x, linear->weight, linear->bias);
    } else if (const auto* convolution = std::get_if<Convolution>(&layer)) {
      x = ops.conv2d(x, convolution->weight, convolution->stride, convolution->padding);
    } else if (const auto* pool = std::get_if<MaxPool>(&layer)) {
      x = ops.max_pool2d(x, pool->size);
    } else if (const auto* function = std::get_if<Activation>(&layer)) {
      x = ops.activation(x, *function);
    } else if (x.dim() == 4) {
      x = x.flatten(1).unsqueeze(1);
    }
  }
  return x.select(1, 0);
}

}  // namespace explaind
