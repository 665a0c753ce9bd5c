#pragma once
// What every network has, language model or classifier: named parameters and a forward pass
// written against Ops.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/ops.hpp"
#include "scores/component.hpp"

namespace explaind {

/// The distribution that a parameter starts training from.
struct InitialValue {
  enum class Distribution { constant, normal, uniform };
  Distribution distribution = Distribution::constant;
  double scale = 0;  ///< the constant, the standard deviation, or b of U(−b, b)
};

/// Stateless apart from its shape: the weights live in the Ops. Samples do not interact.
class Model {
 public:
  virtual ~Model() = default;

  /// Every parameter once (a tied matrix is one), in the order of the component axis.
  [[nodiscard]] virtual const std::vector<ParameterInfo>& parameters() const = 0;

  /// Logits of the inputs B …: B K of a classifier, B T V of a language model.
  [[nodiscard]] virtual at::Tensor forward(const at::Tensor& input, Ops& ops) const = 0;

  /// A layer that draws at random in training (dropout) and is the identity in forward(), by its
  /// name; empty where there is none. Weights and their changes can be scored all the same, but a
  /// step's gradient cannot be formed again: what was drawn is not recorded.
  [[nodiscard]] virtual std::string random_layer() const { return {}; }

  /// Where training starts that parameter.
  [[nodiscard]] virtual InitialValue initial_value(ParameterId id) const = 0;
};

/// Scalars of all parameters.
int64_t parameter_count(const Model& model);

/// One tensor per parameter, drawn in their order.
std::vector<at::Tensor> initial_weights(const Model& model, at::ScalarType type,
                                        const at::Generator& generator);

}  // namespace explaind
