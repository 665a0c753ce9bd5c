#include "model/sequential.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "checkpoint/tensor_view.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"
#include "model/activation.hpp"

namespace explaind {
namespace {

std::string known_types() {
  return fmt::format(
      "Known: linear, conv2d, max_pool2d, avg_pool2d, max_over_image, mean_over_image, flatten, "
      "identity, dropout, leaky_relu, {}",
      fmt::join(activation_names(), ", "));
}

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

/// One entry of "layers", and the messages about it.
class Sequential::Description {
 public:
  Description(const nlohmann::json& layer, size_t index, const std::string& where)
      : layer_(layer), index_(index), where_(where) {}

  [[noreturn]] void refuse(const std::string& what, const std::string& remedy = "") const {
    throw DataError(where_, fmt::format("layer {} of model.config.layers: {}", index_, what),
                    remedy);
  }
  [[nodiscard]] int number() const { return static_cast<int>(index_); }
  [[nodiscard]] std::string type() const {
    if (!layer_.is_object() || !layer_.contains("type") || !layer_["type"].is_string()) {
      refuse("it has no type", known_types());
    }
    return layer_["type"].get<std::string>();
  }
  /// Its number where none is given.
  [[nodiscard]] std::string name() const {
    const auto found = layer_.find("name");
    if (found == layer_.end()) return std::to_string(index_);
    if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
      refuse("its name is no text");
    }
    return found->get<std::string>();
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
  [[nodiscard]] int64_t size_or(int64_t otherwise, const char* key, int64_t least = 1) const {
    return layer_.contains(key) ? size(key, least) : otherwise;
  }
  [[nodiscard]] double number(const char* key) const {
    const auto found = layer_.find(key);
    if (found == layer_.end() || !found->is_number()) {
      refuse(fmt::format("\"{}\" is not a number", key));
    }
    return found->get<double>();
  }
  [[nodiscard]] bool flag(const char* key) const {
    const auto found = layer_.find(key);
    if (found == layer_.end() || !found->is_boolean()) {
      refuse(fmt::format("\"{}\" is not true or false", key));
    }
    return found->get<bool>();
  }
  [[nodiscard]] bool flag_or(bool otherwise, const char* key) const {
    return layer_.contains(key) ? flag(key) : otherwise;
  }
  void expect_image(const std::vector<int64_t>& shape) const {
    if (shape.size() != 3) refuse("it takes images and is given a vector");
  }
  void expect_inputs(int64_t inputs, const std::vector<int64_t>& shape) const {
    if (inputs == shape[0]) return;
    refuse(fmt::format("in is {}, and {} come from before it", inputs, shape[0]));
  }
  /// Places of a window of `size` pixels along the sides of an image: O H' W'.
  [[nodiscard]] std::vector<int64_t> windows(int64_t out, const std::vector<int64_t>& shape,
                                             int64_t size, int64_t stride, int64_t padding) const {
    std::vector<int64_t> left{out};
    for (size_t side = 1; side < 3; ++side) {
      const int64_t room = shape[side] + 2 * padding - size;
      if (room < 0)
        refuse(fmt::format("its {0} × {0} are larger than {1} pixels", size, shape[side]));
      left.push_back(room / stride + 1);
    }
    return left;
  }

 private:
  const nlohmann::json& layer_;
  size_t index_;
  const std::string& where_;
};

Sequential::Sequential(const nlohmann::json& config, const std::string& where)
    : where_(where), input_(input_shape(config, where)) {
  std::vector<int64_t> shape = input_;
  const auto layers = config.find("layers");
  if (layers == config.end() || !layers->is_array() || layers->empty()) {
    throw DataError(where, "model.config.layers is not a list of layers", known_types());
  }
  std::vector<Description> described;
  for (size_t i = 0; i < layers->size(); ++i) described.emplace_back((*layers)[i], i, where);
  const auto last_linear = std::find_if(described.rbegin(), described.rend(),
                                        [](const auto& each) { return each.type() == "linear"; });
  for (const Description& each : described) {
    const bool last = last_linear != described.rend() && each.number() == last_linear->number();
    layers_.push_back(build(each, last, shape));
  }
  if (shape.size() != 1) {
    throw DataError(where, "model.config.layers ends with an image",
                    "Add flatten: the model ends with the logits of its classes, a vector");
  }
  if (parameters().empty()) {
    throw DataError(where, "no layer of model.config.layers has parameters",
                    "There is nothing to decompose without one that is linear or conv2d");
  }
  classes_ = shape[0];
}

Sequential::Layer Sequential::build(const Description& layer, bool last,
                                    std::vector<int64_t>& shape) {
  const std::string type = layer.type();
  if (type == "linear") return build_linear(layer, last, shape);
  if (type == "conv2d") return build_convolution(layer, shape);
  if (type == "max_pool2d" || type == "avg_pool2d") {
    const bool mean = type == "avg_pool2d";
    const int64_t size = layer.size("size");
    const Pool pool{.kind = mean ? Pool::mean : Pool::largest,
                    .size = size,
                    .stride = layer.size_or(size, "stride"),
                    .padding = layer.size_or(0, "padding", 0),
                    .count_padding = mean ? layer.flag_or(true, "count_padding") : true};
    layer.expect_image(shape);
    if (2 * pool.padding > size) layer.refuse("its padding is more than half its size");
    shape = layer.windows(shape[0], shape, size, pool.stride, pool.padding);
    return pool;
  }
  if (type == "max_over_image" || type == "mean_over_image") {
    layer.expect_image(shape);
    shape = {shape[0], 1, 1};
    return OverImage{type == "mean_over_image" ? Pool::mean : Pool::largest};
  }
  if (type == "flatten") {
    shape = {elements(shape)};
    return Flatten{};
  }
  if (type == "identity") return Identity{};
  if (type == "dropout") {
    const double rate = layer.number("rate");
    if (!(rate >= 0) || rate > 1) layer.refuse(fmt::format("its rate is {}, not in [0, 1]", rate));
    if (rate > 0 && random_layer_.empty()) random_layer_ = layer.name();
    return Identity{};
  }
  if (type == "leaky_relu") return LeakyRelu{layer.number("slope")};
  if (const auto function = activation_named(type)) return *function;
  layer.refuse(fmt::format("type '{}' is not known", type), known_types());
}

Sequential::Layer Sequential::build_linear(const Description& layer, bool last,
                                           std::vector<int64_t>& shape) {
  const int64_t in = layer.size("in"), out = layer.size("out");
  if (shape.size() == 3) {
    layer.refuse("it takes vectors and is given an image, add flatten before it");
  }
  layer.expect_inputs(in, shape);
  shape = {out};
  return add_linear({.name = layer.name(),
                     .shape = {},
                     .layer = layer.number(),
                     .layer_name = layer.name(),
                     .kind = last ? "unembedding" : "mlp"},
                    out, in, layer.flag("bias"));
}

Sequential::Layer Sequential::build_convolution(const Description& layer,
                                                std::vector<int64_t>& shape) {
  const int64_t in = layer.size("in"), out = layer.size("out"), kernel = layer.size("kernel");
  Convolution made{.stride = layer.size("stride"), .padding = layer.size("padding", 0)};
  layer.expect_image(shape);
  layer.expect_inputs(in, shape);
  shape = layer.windows(out, shape, kernel, made.stride, made.padding);
  made.weight = add_convolution(layer.name(), layer.number(), out, in, kernel);
  if (layer.flag_or(false, "bias")) {
    made.bias = add_convolution_bias(layer.name(), layer.number(), out, in, kernel);
  }
  return made;
}

Smoothness Sequential::smoothness() const {
  Smoothness roughest = Smoothness::smooth;
  for (const Layer& layer : layers_) {
    const auto* pool = std::get_if<Pool>(&layer);
    const auto* whole = std::get_if<OverImage>(&layer);
    if ((pool != nullptr && pool->kind == Pool::largest) ||
        (whole != nullptr && whole->kind == Pool::largest) ||
        std::holds_alternative<LeakyRelu>(layer)) {
      roughest = Smoothness::kinks;
    }
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
  for (const Layer& layer : layers_) x = apply(layer, x, ops);
  return x.select(1, 0);
}

at::Tensor Sequential::apply(const Layer& layer, const at::Tensor& x, Ops& ops) const {
  if (const auto* linear = std::get_if<Linear>(&layer)) {
    return ops.linear(x, *linear);
  }
  if (const auto* own = std::get_if<Convolution>(&layer)) {
    return ops.conv2d(x, own->weight, own->bias, own->stride, own->padding);
  }
  if (const auto* pool = std::get_if<Pool>(&layer)) {
    if (pool->kind == Pool::largest) {
      return ops.max_pool2d(x, pool->size, pool->stride, pool->padding);
    }
    // A mean is linear and treats all rows alike, so it is the same for every engine.
    return at::avg_pool2d(x, {pool->size, pool->size}, {pool->stride, pool->stride},
                          {pool->padding, pool->padding}, /*ceil_mode=*/false, pool->count_padding);
  }
  if (const auto* over = std::get_if<OverImage>(&layer)) {
    if (over->kind == Pool::mean) return x.mean({2, 3}, /*keepdim=*/true);
    return ops.max_over_image(x).unsqueeze(-1).unsqueeze(-1);
  }
  if (const auto* leaky = std::get_if<LeakyRelu>(&layer)) return ops.leaky_relu(x, leaky->slope);
  if (const auto* function = std::get_if<Activation>(&layer)) return ops.activation(x, *function);
  const bool flattens = std::holds_alternative<Flatten>(layer) && x.dim() == 4;
  return flattens ? x.flatten(1).unsqueeze(1) : x;
}

}  // namespace explaind
