#include "parameters/block_parameters.hpp"

#include <ATen/ATen.h>

#include "core/alignment.hpp"
#include "core/elements.hpp"
#include "parameters/endpoints.hpp"

namespace explaind {
namespace {

std::vector<int64_t> shape_of(const Network& network, const ParameterRows& part) {
  std::vector<int64_t> shape = network.parameters()[static_cast<size_t>(part.parameter)].shape;
  shape[0] = part.count;
  return shape;
}

}  // namespace

int64_t BlockParameters::room(const ParameterRows& part) const {
  const auto type = type_of(network_.parameters()[static_cast<size_t>(part.parameter)], precision_);
  const int64_t bytes =
      elements(shape_of(network_, part)) * static_cast<int64_t>(at::elementSize(type));
  return aligned(bytes);
}

void BlockParameters::reserve(const std::vector<ParameterRows>& parts) {
  int64_t total = 0;
  for (const ParameterRows& part : parts) total += room(part);
  if (weights_.defined() && weights_.numel() >= total) return;
  weights_.reset();  // before the larger ones are there
  deltas_.reset();
  weights_ = at::empty({total}, device_.options(at::kByte));
  deltas_ = at::empty({total}, device_.options(at::kByte));
}

void BlockParameters::load(int64_t segment) {
  segment_ = segment;
  movement_.load(segment);
  reader_->load(segment);
}

void BlockParameters::open(const std::vector<ParameterRows>& parts,
                           const std::vector<ParameterRows>& next) {
  open_.clear();
  formed_ = false;
  reserve(parts);
  const std::vector<Endpoints> ends = reader_->read(parts);
  reader_->request(next);
  int64_t offset = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::vector<int64_t> shape = shape_of(network_, parts[i]);
    const auto type =
        type_of(network_.parameters()[static_cast<size_t>(parts[i].parameter)], precision_);
    const int64_t bytes = elements(shape) * static_cast<int64_t>(at::elementSize(type));
    Part& opened = open_[parts[i].parameter];
    opened.ends = ends[i];
    opened.weight = weights_.narrow(0, offset, bytes).view(type).view(shape);
    opened.delta = deltas_.narrow(0, offset, bytes).view(type).view(shape);
    offset += room(parts[i]);
    form_delta(opened.ends, device_, opened.delta);
    bytes_opened_ += static_cast<int64_t>(ends[i].from.bytes + ends[i].to.bytes);
  }
}

void BlockParameters::set_node(double t) {
  if (formed_ && t == node_) return;
  node_ = t;
  formed_ = true;
  for (auto& [parameter, part] : open_) {
    form_weight(part.ends, part.delta, t, device_, part.weight);
  }
}

const at::Tensor& BlockParameters::direction(int64_t index, ParameterId parameter) {
  Part& part = open_.at(parameter);
  const std::vector<StoredSum>& stored = part.ends.directions;
  part.directions.resize(stored.size());
  at::Tensor& formed = part.directions[static_cast<size_t>(index)];
  if (!formed.defined()) {
    formed = direction_of(stored[static_cast<size_t>(index)], part.delta.sizes().vec(),
                          part.delta.scalar_type(), device_);
  }
  return formed;
}

at::Tensor BlockParameters::direction_rows(int64_t index, ParameterId parameter,
                                           const at::Tensor& ids) {
  return device_.upload(
      looked_up_direction(trajectory_.endpoints(segment_, parameter), index, ids, precision_.type));
}

at::Tensor BlockParameters::rows(ParameterId parameter, const at::Tensor& ids, bool update) {
  return device_.upload(looked_up_rows(trajectory_.endpoints(segment_, parameter), ids, node_,
                                       update, precision_.type));
}

at::Tensor BlockParameters::weight_rows(ParameterId parameter, const at::Tensor& ids) {
  return rows(parameter, ids, false);
}

at::Tensor BlockParameters::delta_rows(ParameterId parameter, const at::Tensor& ids) {
  return rows(parameter, ids, true);
}

}  // namespace explaind
