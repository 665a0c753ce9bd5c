#include "training_axis/sample_updates.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engines/sample_gradient_ops.hpp"
#include "training/batch_pass.hpp"
#include "training/replay.hpp"
#include "training/tensor_of.hpp"

namespace explaind {
namespace {

/// Elements of a row: 1 of a vector.
int64_t width_of(const ParameterInfo& parameter) {
  int64_t width = 1;
  for (size_t axis = 1; axis < parameter.shape.size(); ++axis) width *= parameter.shape[axis];
  return width;
}

SplitUpdate narrowed(const SplitUpdate& parts, const ParameterRows& rows) {
  SplitUpdate some;
  for (const auto part :
       {&SplitUpdate::data, &SplitUpdate::decay, &SplitUpdate::momentum, &SplitUpdate::rounding}) {
    some.*part = (parts.*part).narrow(0, rows.first, rows.count);
  }
  return some;
}

/// `samples` × rows × the rest of the parameter's shape.
at::Tensor zeros_of(const Model& model, const ParameterRows& rows, int64_t samples,
                    at::ScalarType type) {
  std::vector<int64_t> shape = model.parameters()[static_cast<size_t>(rows.parameter)].shape;
  shape[0] = rows.count;
  shape.insert(shape.begin(), samples);
  return at::zeros(shape, type);
}

}  // namespace

SampleUpdates::SampleUpdates(const TrainedModel& trained, const Groups& groups, int64_t first)
    : trained_(trained),
      gradients_(trained.model, trained.run, trained.data),
      groups_(groups),
      start_(trained.run) {
  while (start_.next_step() < first) start_.advance(gradients_.of_step(start_.next_step()));
  if (first > 0) start_.begin_range();
}

void SampleUpdates::run(const std::vector<ParameterRows>& block, int64_t end,
                        const std::function<void(const BlockUpdate&)>& keep) const {
  const auto groups = static_cast<int64_t>(groups_.names.size());
  std::vector<at::Tensor> buffers;
  for (const ParameterRows& rows : block) {
    buffers.push_back(zeros_of(trained_.model, rows, groups, at::kDouble));
  }
  OptimizerReplay replay = start_;
  while (replay.next_step() < end) {
    const int64_t step = replay.next_step();
    replay.advance(gradients_.of_step(step));
    const RunBatch batch = trained_.run.batch(step);
    std::vector<int64_t> seen;
    for (const int64_t sample : batch.samples) {
      seen.push_back(groups_.of_sample.at(static_cast<size_t>(sample)));
    }
    const at::Tensor places = at::tensor(seen, at::kLong);
    const std::vector<at::Tensor> gradients = sample_gradients(block, batch, step);
    BlockUpdate update{.step = step, .data = {}, .parts = {}};
    for (size_t i = 0; i < block.size(); ++i) {
      const ParameterRows& rows = block[i];
      const UpdateRule& rule = replay.rule(static_cast<size_t>(rows.parameter));
      at::Tensor& buffer = buffers[i];
      buffer.mul_(rule.carried).index_add_(0, places, gradients[i], rule.entering);
      at::Tensor data = buffer * rule.through;
      if (rule.direct != 0) data.index_add_(0, places, gradients[i], rule.direct);
      const at::Tensor scale =
          rule.scale.dim() == 0 ? rule.scale : rule.scale.narrow(0, rows.first, rows.count);
      update.data.push_back(data.mul_(scale).neg_());
      update.parts.push_back(narrowed(replay.parts(static_cast<size_t>(rows.parameter)), rows));
    }
    keep(update);
  }
}

std::vector<at::Tensor> SampleUpdates::sample_gradients(const std::vector<ParameterRows>& block,
                                                        const RunBatch& batch, int64_t step) const {
  const RecordedRun& run = trained_.run;
  const at::ScalarType type = scalar_type_of(run.description().dtype, run.directory().string());
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

int64_t element_bytes(int64_t groups, int64_t batch, int64_t type_size) {
  constexpr auto number = int64_t{sizeof(double)};
  // While gradients are formed there are the buffers beside them, then also updates and the product
  // of one with G.
  return std::max(number * groups + (type_size + number) * batch, number * (3 * groups + batch));
}

std::vector<std::vector<ParameterRows>> parameter_blocks(const Model& model, int64_t of_element,
                                                         int64_t memory, int64_t piece) {
  std::vector<std::vector<ParameterRows>> blocks;
  int64_t left = 0;  // elements that the last block still takes
  const int64_t all = memory / std::max<int64_t>(1, of_element);
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const int64_t rows = model.parameters()[i].shape[0], width = width_of(model.parameters()[i]);
    const int64_t step = std::max<int64_t>(1, piece / width);
    for (int64_t first = 0; first < rows; first += step) {
      const int64_t count = std::min(step, rows - first);
      if (blocks.empty() || left < count * width) {
        blocks.emplace_back();
        left = std::max(all, count * width);
      }
      blocks.back().push_back(
          {.parameter = static_cast<ParameterId>(i), .first = first, .count = count});
      left -= count * width;
    }
  }
  return blocks;
}

int64_t largest_piece(const Model& model, int64_t piece) {
  int64_t largest = 1;
  for (const ParameterInfo& parameter : model.parameters()) {
    const int64_t width = width_of(parameter);
    const int64_t rows = std::min(parameter.shape[0], std::max<int64_t>(1, piece / width));
    largest = std::max(largest, rows * width);
  }
  return largest;
}

}  // namespace explaind
