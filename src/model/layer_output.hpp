#pragma once
// A classifier up to the output of one of its layers.

#include <memory>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "model/smoothness.hpp"

namespace explaind {

/// The model with what a layer's linear operation gives (its bias added, its activation function
/// not yet applied) in place of logits, K coordinates in the order in which they lie there.
/// Parameters are the whole model's: those that come later do nothing to it.
class LayerOutput final : public Model, public OfSmoothness {
 public:
  /// weight: the layer's matrix or kernel, by its name. `model` must outlive this. Throws
  /// UsageError where the model has no parameter of that name, or uses it in no linear operation or
  /// convolution on the way from `input`, one sample of its data.
  LayerOutput(const Model& model, const std::string& weight, const at::Tensor& input);

  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const override {
    return model_.parameters();
  }
  [[nodiscard]] Smoothness smoothness() const override { return smoothness_of(model_); }
  [[nodiscard]] InitialValue initial_value(ParameterId id) const override {
    return model_.initial_value(id);
  }
  [[nodiscard]] std::string random_layer() const override { return model_.random_layer(); }
  /// Returns B K.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const override;

  /// K.
  [[nodiscard]] int64_t coordinates() const { return coordinates_; }

 private:
  const Model& model_;
  ParameterId weight_ = no_parameter;
  int64_t coordinates_ = 0;
};

}  // namespace explaind
