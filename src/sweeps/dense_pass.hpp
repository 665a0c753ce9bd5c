#pragma once
// Engine B at one node: the gradient of samples that run together, for every scalar.
//
// Legend: B samples, T padded positions, C width, n tokens of which logits are formed, V
// vocabulary.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model/network.hpp"
#include "parameters/parameter_source.hpp"
#include "samples/batch.hpp"
#include "samples/functional.hpp"
#include "sweeps/classifier_sweep.hpp"

namespace explaind {

/// A forward and a backward pass with weight gradients over weights of a source, of fp32 or fp64 on
/// the processor, which has all of the model open.
class DensePass {
 public:
  virtual ~DensePass() = default;
  /// Σ_b weights_b ∂F_b/∂θ at the source's node, F as engine A has it, one output of it: one tensor
  /// per parameter, of its shape; undefined where F does not depend on it. weights: B. Padding
  /// contributes 0.
  [[nodiscard]] virtual std::vector<at::Tensor> gradient(const MicroBatch& batch,
                                                         std::span<const double> weights,
                                                         int64_t output) = 0;
};

/// The pass of a language model. Logits are formed of the tokens that F reads, over the whole
/// vocabulary.
class NetworkPass final : public DensePass {
 public:
  /// All references must outlive the pass.
  NetworkPass(const Network& network, const Functional& functional, ParameterSource& parameters)
      : network_(network), functional_(functional), parameters_(parameters) {}
  [[nodiscard]] std::vector<at::Tensor> gradient(const MicroBatch& batch,
                                                 std::span<const double> weights,
                                                 int64_t output) override;

 private:
  const Network& network_;
  Functional functional_;
  ParameterSource& parameters_;
};

/// The pass of a classifier.
class ClassifierPass final : public DensePass {
 public:
  /// All references must outlive the pass.
  ClassifierPass(const Model& model, const PredictionData& data, const Functional& functional,
                 ParameterSource& parameters)
      : model_(model), data_(data), outputs_(functional), parameters_(parameters) {}
  [[nodiscard]] std::vector<at::Tensor> gradient(const MicroBatch& batch,
                                                 std::span<const double> weights,
                                                 int64_t output) override;

 private:
  const Model& model_;
  const PredictionData& data_;
  ClassOutputs outputs_;
  ParameterSource& parameters_;
};

/// All of a model that it uses, as a source opens it.
std::vector<ParameterRows> whole_model(const Model& model);

}  // namespace explaind
