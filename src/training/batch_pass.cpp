#include "training/batch_pass.hpp"

#include <ATen/ATen.h>

namespace explaind {

int64_t BatchPass::right() const { return (logits.argmax(1) == labels).sum().item<int64_t>(); }

BatchPass batch_pass(const Model& model, const Dataset& data, const ImageTransform& transform,
                     const RunBatch& batch, at::ScalarType type, Ops& ops) {
  const at::Tensor inputs = network_inputs(data, transform, batch.samples, batch.flips, type);
  BatchPass pass;
  pass.logits = model.forward(inputs, ops).flatten(0, -2);
  pass.labels = data.labels.index_select(0, at::tensor(batch.samples, at::kLong)).flatten();
  pass.loss = at::cross_entropy_loss(pass.logits, pass.labels);
  return pass;
}

}  // namespace explaind
