#pragma once
// Chains of layers, so chosen that every operation that a model may begin with stands first in one.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/dataset.hpp"

namespace explaind::testing {

struct FirstOperation {
  std::string name;
  nlohmann::json model;         ///< its description, of 3 classes
  std::vector<int64_t> inputs;  ///< without the samples' axis
};

inline std::vector<FirstOperation> first_operations() {
  using Json = nlohmann::json;
  const auto linear = [](int64_t in, int64_t out, bool bias = true) {
    return Json{{"type", "linear"}, {"in", in}, {"out", out}, {"bias", bias}};
  };
  const auto convolution = [](int64_t in, int64_t out, int64_t stride, bool bias) {
    return Json{{"type", "conv2d"}, {"in", in},     {"out", out},  {"kernel", 3},
                {"stride", stride}, {"padding", 1}, {"bias", bias}};
  };
  const auto word = [](const char* type) { return Json{{"type", type}}; };
  const Json leaky = {{"type", "leaky_relu"}, {"slope", 0.2}},
             max_pool = {{"type", "max_pool2d"}, {"size", 3}, {"stride", 2}, {"padding", 1}},
             mean_pool = {{"type", "avg_pool2d"},
                          {"size", 2},
                          {"stride", 1},
                          {"padding", 1},
                          {"count_padding", false}},
             flatten = word("flatten"), dropout = {{"type", "dropout"}, {"rate", 0.0}};
  std::vector<FirstOperation> all;
  const auto add = [&](const char* name, Json layers, const std::vector<int64_t>& inputs) {
    all.push_back({name,
                   {{"name", "sequential"}, {"config", {{"input", inputs}, {"layers", layers}}}},
                   inputs});
  };
  const std::vector<int64_t> vector{5}, image{2, 6, 6};
  add("linear", {linear(5, 4), word("silu"), linear(4, 3)}, vector);
  add("linear_without_bias", {linear(5, 4, false), word("gelu"), linear(4, 3, false)}, vector);
  add("linear_alone", Json::array({linear(5, 3)}), vector);
  add("flatten", {flatten, linear(72, 4), word("gelu_tanh"), linear(4, 3)}, image);
  add("identity", {word("identity"), linear(5, 3), word("identity")}, vector);
  add("dropout", {dropout, linear(5, 3)}, vector);
  for (const char* function : {"relu", "gelu", "silu", "gelu_tanh", "tanh", "sigmoid"}) {
    add(function, {word(function), linear(5, 4), word(function), linear(4, 3)}, vector);
  }
  add("leaky_relu", {leaky, linear(5, 4), leaky, linear(4, 3)}, vector);
  add("conv2d", {convolution(2, 3, 1, false), word("relu"), flatten, linear(108, 3)}, image);
  add("conv2d_with_bias", {convolution(2, 3, 2, true), word("tanh"), flatten, linear(27, 3)},
      image);
  add("conv2d_to_the_end", {convolution(2, 3, 2, true), word("mean_over_image"), flatten}, image);
  add("max_pool2d", {max_pool, convolution(2, 3, 1, true), leaky, flatten, linear(27, 3)}, image);
  add("avg_pool2d",
      {mean_pool, convolution(2, 3, 1, true), word("sigmoid"), max_pool, flatten, linear(48, 3)},
      image);
  add("max_over_image", {word("max_over_image"), flatten, linear(2, 3)}, image);
  add("mean_over_image",
      {word("mean_over_image"), flatten, linear(2, 4), word("tanh"), linear(4, 3)}, image);
  return all;
}

/// Numbers that such a chain sees as they are, with labels of 3 classes.
inline Dataset numbers_for(const FirstOperation& chain, int64_t count, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  std::vector<int64_t> shape{count};
  shape.insert(shape.end(), chain.inputs.begin(), chain.inputs.end());
  return {at::randn(shape, generator, at::kDouble),
          at::randint(0, 3, {count}, generator, at::kLong)};
}

}  // namespace explaind::testing
