#pragma once
// How smooth a model's outputs are in its parameters.

#include "model/model.hpp"
#include "quadrature/smoothness.hpp"

namespace explaind {

/// A model that knows.
class OfSmoothness {
 public:
  virtual ~OfSmoothness() = default;
  [[nodiscard]] virtual Smoothness smoothness() const = 0;
};

/// How smooth a model is: the roughest, where it does not say.
Smoothness smoothness_of(const Model& model);
Smoothness smoothness_of(Activation function);

}  // namespace explaind
