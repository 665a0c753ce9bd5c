#pragma once
// Classifiers: networks from an input to the logits of K classes.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace explaind {

/// The common part of the classifiers: their parameters, which start as PyTorch's own layers do.
class Classifier : public Model {
 public:
  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const final { return parameters_; }
  [[nodiscard]] InitialValue initial_value(ParameterId id) const final {
    return initial_values_[static_cast<size_t>(id)];
  }
  /// Logits of a sample.
  [[nodiscard]] virtual int64_t classes() const = 0;

 protected:
  using Linear = LinearMap;

  ParameterId add(ParameterInfo info, InitialValue start);
  /// NAME.weight V C from N(0, 1), as torch.nn.Embedding.
  ParameterId add_embedding(const std::string& name, int64_t rows, int64_t width);
  /// NAME.weight out in and NAME.bias from U(−b, b), b = 1/√in, as torch.nn.Linear.
  Linear add_linear(const ParameterInfo& layer, int64_t out, int64_t in, bool bias);
  /// NAME.weight out in k k from U(−b, b), b = 1/√(in k k), as torch.nn.Conv2d; no bias.
  ParameterId add_convolution(const std::string& name, int layer, int64_t out, int64_t in,
                              int64_t kernel);
  /// NAME.bias of a convolution, out from U(−b, b) likewise; after its weight.
  ParameterId add_convolution_bias(const std::string& name, int layer, int64_t out, int64_t in,
                                   int64_t kernel);

 private:
  std::vector<ParameterInfo> parameters_;
  std::vector<InitialValue> initial_values_;
};

}  // namespace explaind
