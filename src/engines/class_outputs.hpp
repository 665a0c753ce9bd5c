#pragma once
// F of a classifier from its logits, and ∂F/∂logits. An activation's logits are those of
// LayerOutput.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "samples/functional.hpp"

namespace explaind {

/// F of B samples from their logits: one number a sample, or with every class asked for as many
/// outputs as there are classes. Sums and logarithms are formed in fp64.
class ClassOutputs {
 public:
  explicit ClassOutputs(const Functional& functional) : functional_(functional) {}

  /// Outputs of a functional on so many classes.
  static int64_t count(const Functional& functional, int64_t classes) {
    return functional->every_output() ? classes : 1;
  }

  /// logits: B K, labels: B. Returns B J, fp64, contiguous, on the host.
  [[nodiscard]] at::Tensor values(const at::Tensor& logits, const at::Tensor& labels) const;
  /// ∂F/∂logits of one output: B K, of the logits' type.
  [[nodiscard]] at::Tensor gradient(const at::Tensor& logits, const at::Tensor& labels,
                                    int64_t output) const;

 private:
  /// Per sample the class that is meant: B 1.
  static at::Tensor classes_of(int64_t meant, const at::Tensor& labels);

  Functional functional_;
};

}  // namespace explaind
