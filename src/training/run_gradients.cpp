#include "training/run_gradients.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/error.hpp"
#include "model/plain_ops.hpp"
#include "runs/run_files.hpp"
#include "training/batch_pass.hpp"
#include "training/tensor_of.hpp"

namespace explaind {

std::vector<at::Tensor> weights_at(const RecordedRun& run, int64_t step) {
  std::vector<at::Tensor> weights;
  for (size_t i = 0; i < run.description().parameters.size(); ++i) {
    weights.push_back(tensor_of(run.parameter(step, i)));
  }
  return weights;
}

void require_repeatable_gradients(const Model& model, const std::string& where) {
  const std::string layer = model.random_layer();
  if (layer.empty()) return;
  throw DataError(
      where,
      fmt::format("layer {} is dropout: what it zeroed in training is not recorded, so "
                  "no training sample's gradient can be formed again",
                  layer),
      "Scores of the weights' changes need none: leave out training axes and --parts data, "
      "or train without dropout");
}

RunGradients::RunGradients(const Model& model, const RecordedRun& run, const TrainingData& data)
    : model_(model),
      run_(run),
      data_(data),
      type_(scalar_type_of(run.description().dtype, run.directory().string())) {
  const auto& recorded = run.description().parameters;
  const auto& own = model.parameters();
  const std::string where = (run.directory() / run_files::run).string();
  require_repeatable_gradients(model, where);
  if (recorded.size() != own.size()) {
    throw DataError(
        where, fmt::format("holds {} parameters, the model {} has {}", recorded.size(),
                           run.description().json["model"]["name"].get<std::string>(), own.size()));
  }
  for (size_t i = 0; i < own.size(); ++i) {
    if (recorded[i].name == own[i].name && recorded[i].shape == own[i].shape) continue;
    throw DataError(
        where,
        fmt::format("parameter {} is {} {}, the model's is {} {}", i, recorded[i].name,
                    shape_to_string(recorded[i].shape), own[i].name, shape_to_string(own[i].shape)),
        "Parameters must be those of the model, in its order");
  }
}

std::vector<at::Tensor> RunGradients::of_step(int64_t step) const {
  const size_t count = model_.parameters().size();
  std::vector<at::Tensor> gradients(count);
  if (run_.description().gradients) {
    for (size_t i = 0; i < count; ++i) {
      if (run_.stepped(step, i)) gradients[i] = tensor_of(run_.gradient(step, i));
    }
    return gradients;
  }
  std::vector<at::Tensor> weights = weights_at(run_, step);
  for (at::Tensor& weight : weights) weight.requires_grad_(true);
  PlainOps ops(weights);
  batch_pass(model_, data_.train, data_.transform, run_.batch(step), type_, ops).loss.backward();
  for (size_t i = 0; i < count; ++i) {
    if (!run_.stepped(step, i)) continue;
    gradients[i] = weights[i].grad();
    if (!gradients[i].defined()) {
      throw DataError(run_.directory().string(),
                      fmt::format("step {} stepped {}, to which the model's loss gives no gradient",
                                  step, model_.parameters()[i].name),
                      "run.json must name the model that was trained");
    }
  }
  return gradients;
}

}  // namespace explaind
