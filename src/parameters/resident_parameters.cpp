#include "parameters/resident_parameters.hpp"

#include <ATen/ATen.h>

#include <set>
#include <utility>

#include "checkpoint/convert.hpp"
#include "parameters/endpoints.hpp"

namespace explaind {
namespace {

/// Ascending; a matrix of which rows are looked up and no more is not among them.
std::vector<ParameterId> used_whole(const Network& network) {
  std::set<ParameterId> used{network.unembedding()};
  for (int64_t block = 0; block < network.blocks(); ++block) {
    const std::vector<ParameterId> of_block = network.block_parameters(block);
    used.insert(of_block.begin(), of_block.end());
  }
  return {used.begin(), used.end()};
}

std::vector<ParameterId> used_at_all(const Model& model) {
  std::vector<ParameterId> used;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    if (model.parameters()[i].uses > 0) used.push_back(static_cast<ParameterId>(i));
  }
  return used;
}

}  // namespace

ResidentParameters::ResidentParameters(const Network& network, const Trajectory& trajectory,
                                       const Precision& precision, const Device& device)
    : ResidentParameters(network, used_whole(network), trajectory, precision, device) {}

ResidentParameters::ResidentParameters(const Model& model, const Trajectory& trajectory,
                                       const Precision& precision, const Device& device)
    : ResidentParameters(model, used_at_all(model), trajectory, precision, device) {}

ResidentParameters::ResidentParameters(const Model& model, std::vector<ParameterId> used,
                                       const Trajectory& trajectory, const Precision& precision,
                                       const Device& device)
    : trajectory_(trajectory),
      precision_(precision),
      device_(device),
      used_(std::move(used)),
      movement_(trajectory, model.parameters().size()),
      weights_(model.parameters().size()),
      deltas_(model.parameters().size()),
      open_weights_(weights_.size()),
      open_deltas_(weights_.size()),
      directions_(static_cast<size_t>(trajectory.directions()),
                  std::vector<at::Tensor>(weights_.size())),
      open_directions_(directions_) {
  if (device.has_twins()) stored_.emplace(trajectory, used_, device);
  for (const ParameterId id : used_) {
    const ParameterInfo& parameter = model.parameters()[static_cast<size_t>(id)];
    const at::TensorOptions options = device.options(type_of(parameter, precision));
    weights_[static_cast<size_t>(id)] = at::empty(parameter.shape, options);
    deltas_[static_cast<size_t>(id)] = at::empty(parameter.shape, options);
  }
}

Endpoints ResidentParameters::endpoints(ParameterId parameter) const {
  return stored_ ? stored_->endpoints(parameter) : trajectory_.endpoints(segment_, parameter);
}

void ResidentParameters::load(int64_t segment) {
  if (segment == segment_) return;
  segment_ = -1;  // nothing is loaded if a weight turns out not to be finite
  node_ = -1;
  if (stored_) stored_->load(segment);
  for (size_t i = 0; !stored_ && i < deltas_.size(); ++i) {
    const Endpoints ends = trajectory_.endpoints(segment, static_cast<ParameterId>(i));
    require_finite(ends.from, trajectory_.describe(segment, false));
    require_finite(ends.to, trajectory_.describe(segment, true));
  }
  segment_ = segment;
  movement_.load(segment);
  for (const ParameterId id : used_) {
    const auto i = static_cast<size_t>(id);
    form_delta(endpoints(id), device_, deltas_[i]);
    const std::vector<StoredSum> stored = trajectory_.endpoints(segment, id).directions;
    for (size_t d = 0; d < directions_.size(); ++d) {
      directions_[d][i] =
          direction_of(stored[d], deltas_[i].sizes().vec(), deltas_[i].scalar_type(), device_);
    }
  }
}

void ResidentParameters::open(const std::vector<ParameterRows>& parts,
                              const std::vector<ParameterRows>& /*next*/) {
  for (const ParameterRows& part : parts) {
    const auto i = static_cast<size_t>(part.parameter);
    open_weights_[i] = weights_[i].narrow(0, part.first, part.count);
    open_deltas_[i] = deltas_[i].narrow(0, part.first, part.count);
    for (size_t d = 0; d < directions_.size(); ++d) {
      open_directions_[d][i] = directions_[d][i].narrow(0, part.first, part.count);
    }
  }
}

void ResidentParameters::set_node(double t) {
  if (t == node_) return;
  for (const ParameterId id : used_) {
    const auto i = static_cast<size_t>(id);
    form_weight(endpoints(id), deltas_[i], t, device_, weights_[i]);
  }
  node_ = t;
}

at::Tensor ResidentParameters::weight_rows(ParameterId parameter, const at::Tensor& ids) {
  return device_.upload(looked_up_rows(trajectory_.endpoints(segment_, parameter), ids, node_,
                                       false, precision_.type));
}

at::Tensor ResidentParameters::direction_rows(int64_t index, ParameterId parameter,
                                              const at::Tensor& ids) {
  return device_.upload(
      looked_up_direction(trajectory_.endpoints(segment_, parameter), index, ids, precision_.type));
}

at::Tensor ResidentParameters::delta_rows(ParameterId parameter, const at::Tensor& ids) {
  return device_.upload(looked_up_rows(trajectory_.endpoints(segment_, parameter), ids, node_, true,
                                       precision_.type));
}

}  // namespace explaind
