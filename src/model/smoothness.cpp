#include "model/smoothness.hpp"

namespace explaind {

Smoothness smoothness_of(const Model& model) {
  const auto* knows = dynamic_cast<const OfSmoothness*>(&model);
  return knows == nullptr ? Smoothness::kinks : knows->smoothness();
}

Smoothness smoothness_of(Activation function) {
  switch (function) {
    case Activation::gelu:
    case Activation::gelu_tanh:
    case Activation::silu:
    case Activation::tanh:
    case Activation::sigmoid:
      return Smoothness::smooth;
    case Activation::negative_expm1:
    case Activation::squared_relu:
    case Activation::relu:
      break;
  }
  return Smoothness::kinks;
}

}  // namespace explaind
