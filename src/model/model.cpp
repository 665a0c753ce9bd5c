#include "model/model.hpp"

#include <ATen/ATen.h>

#include "core/elements.hpp"

namespace explaind {

int64_t parameter_count(const Model& model) {
  int64_t count = 0;
  for (const ParameterInfo& parameter : model.parameters()) {
    count += elements(parameter.shape);
  }
  return count;
}

std::vector<at::Tensor> initial_weights(const Model& model, at::ScalarType type,
                                        const at::Generator& generator) {
  using Distribution = InitialValue::Distribution;
  std::vector<at::Tensor> weights;
  for (const ParameterInfo& parameter : model.parameters()) {
    const InitialValue start = model.initial_value(static_cast<ParameterId>(weights.size()));
    at::Tensor weight = at::empty(parameter.shape, type);
    if (start.distribution == Distribution::normal) {
      weight.normal_(0.0, start.scale, generator);
    } else if (start.distribution == Distribution::uniform) {
      weight.uniform_(-start.scale, start.scale, generator);
    } else {
      weight.fill_(start.scale);
    }
    weights.push_back(std::move(weight));
  }
  return weights;
}

}  // namespace explaind
