#include "model/classifier.hpp"

#include <cmath>
#include <utility>

namespace explaind {
namespace {

using Distribution = InitialValue::Distribution;

InitialValue uniform_by_inputs(int64_t inputs) {
  return {Distribution::uniform, 1 / std::sqrt(static_cast<double>(inputs))};
}

}  // namespace

ParameterId Classifier::add(ParameterInfo info, InitialValue start) {
  parameters_.push_back(std::move(info));
  initial_values_.push_back(start);
  return static_cast<ParameterId>(parameters_.size()) - 1;
}

ParameterId Classifier::add_embedding(const std::string& name, int64_t rows, int64_t width) {
  return add({.name = name + ".weight",
              .shape = {rows, width},
              .layer = -1,
              .layer_name = "embedding",
              .kind = "embedding"},
             {Distribution::normal, 1});
}

Classifier::Linear Classifier::add_linear(const ParameterInfo& layer, int64_t out, int64_t in,
                                          bool bias) {
  Linear linear;
  ParameterInfo weight = layer;
  weight.name += ".weight";
  weight.shape = {out, in};
  linear.weight = add(std::move(weight), uniform_by_inputs(in));
  if (bias) {
    ParameterInfo shift = layer;
    shift.name += ".bias";
    shift.shape = {out};
    linear.bias = add(std::move(shift), uniform_by_inputs(in));
  }
  return linear;
}

ParameterId Classifier::add_convolution(const std::string& name, int layer, int64_t out, int64_t in,
                                        int64_t kernel) {
  return add({.name = name + ".weight",
              .shape = {out, in, kernel, kernel},
              .layer = layer,
              .layer_name = name,
              .kind = "convolution"},
             uniform_by_inputs(in * kernel * kernel));
}

ParameterId Classifier::add_convolution_bias(const std::string& name, int layer, int64_t out,
                                             int64_t in, int64_t kernel) {
  return add({.name = name + ".bias",
              .shape = {out},
              .layer = layer,
              .layer_name = name,
              .kind = "convolution"},
             uniform_by_inputs(in * kernel * kernel));
}

}  // namespace explaind
