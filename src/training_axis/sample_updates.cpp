#include "training_axis/sample_updates.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "training/batch_pass.hpp"
#include "training/replay.hpp"
#include "training/tensor_of.hpp"
#include "training_axis/sample_gradient_ops.hpp"

namespace explaind {
namespace {

constexpr int64_t tensors_of_block = 3;

/// `samples` × rows × the rest of the parameter's shape.
at::Tensor zeros_of(const Model& model, const ParameterRows& rows, int64_t samples,
                    at::ScalarType type) {
  std::vector<int64_t> shape = model.parameters()[static_cast<size_t>(rows.parameter)].shape;
  shape[0] = rows.count;
  shape.insert(shape.begin(), samples);
  return at::zeros(shape, type);
}

}  // namespace

SampleUpdates::SampleUpdates(const TrainedModel& trained)
    : trained_(trained), gradients_(trained.model, trained.run, trained.data) {}

void SampleUpdates::run(const std::vector<ParameterRows>& block, int64_t end,
                        const std::function<void(const BlockUpdate&)>& keep) const {
  const int64_t samples = trained_.run.description().samples;
  std::vector<at::Tensor> buffers;
  for (const ParameterRows& rows : block) {
    buffers.push_back(zeros_of(trained_.model, rows, samples, at::kDouble));
  }
  OptimizerReplay replay(trained_.run);
  for (int64_t step = 0; step < end; ++step) {
    replay.advance(gradients_.of_step(step));
    const at::Tensor seen = at::tensor(trained_.run.batch(step).samples, at::kLong);
    const std::vector<at::Tensor> gradients = sample_gradients(block, step);
    BlockUpdate update{.step = step, .data = {}, .decay = {}};
    for (size_t i = 0; i < block.size(); ++i) {
      const ParameterRows& rows = block[i];
      const UpdateRule& rule = replay.rule(static_cast<size_t>(rows.parameter));
      at::Tensor& buffer = buffers[i];
      buffer.mul_(rule.carried).index_add_(0, seen, gradients[i], rule.entering);
      at::Tensor data = buffer * rule.through;
      if (rule.direct != 0) data.index_add_(0, seen, gradients[i], rule.direct);
      const at::Tensor scale =
          rule.scale.dim() == 0 ? rule.scale : rule.scale.narrow(0, rows.first, rows.count);
      update.data.push_back(data.mul_(scale).neg_());
      update.decay.push_back(replay.parts(static_cast<size_t>(rows.parameter))
                                 .decay.narrow(0, rows.first, rows.count));
    }
    keep(update);
  }
}

std::vector<at::Tensor> SampleUpdates::sample_gradients(const std::vector<ParameterRows>& block,
                                                        int64_t step) const {
  const RecordedRun& run = trained_.run;
  const at::ScalarType type = scalar_type_of(run.description().dtype, run.directory().string());
  const RunBatch batch = run.batch(step);
  const std::vector<at::Tensor> weights = weights_at(run, step);
  std::vector<at::Tensor> gradients;
  for (const ParameterRows& rows : block) {
    gradients.push_back(
        zeros_of(trained_.model, rows, static_cast<int64_t>(batch.samples.size()), type));
  }
  SampleGradientOps ops(weights, block, gradients);
  batch_pass(trained_.model, trained_.data.train, trained_.data.transform, batch, type, ops)
      .loss.backward();
  for (at::Tensor& gradient : gradients) gradient = gradient.to(at::kDouble) * run.clip(step);
  return gradients;
}

std::vector<std::vector<ParameterRows>> parameter_blocks(const Model& model, int64_t samples,
                                                         int64_t memory) {
  std::vector<std::vector<ParameterRows>> blocks;
  int64_t left = 0;  // elements that the last block still takes
  const int64_t all =
      memory / (std::max<int64_t>(samples, 1) * tensors_of_block * int64_t{sizeof(double)});
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const std::vector<int64_t>& shape = model.parameters()[i].shape;
    int64_t width = 1;
    for (size_t axis = 1; axis < shape.size(); ++axis) width *= shape[axis];
    for (int64_t first = 0; first < shape[0];) {
      if (blocks.empty() || left < width) {
        blocks.emplace_back();
        left = std::max(all, width);
      }
      const int64_t count = std::min(shape[0] - first, left / width);
      blocks.back().push_back(
          {.parameter = static_cast<ParameterId>(i), .first = first, .count = count});
      left -= count * width;
      first += count;
    }
  }
  return blocks;
}

}  // namespace explaind
