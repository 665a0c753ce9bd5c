#include "decomposition/resident_parameters.hpp"

#include <ATen/ATen.h>

#include "checkpoint/convert.hpp"
#include "decomposition/endpoints.hpp"

namespace explaind {

ResidentParameters::ResidentParameters(const Network& network, const Trajectory& trajectory,
                                       at::ScalarType type)
    : trajectory_(trajectory), type_(type) {
  for (const ParameterInfo& parameter : network.parameters()) {
    weights_.push_back(at::empty(parameter.shape, type));
    deltas_.push_back(at::empty(parameter.shape, type));
  }
  open_weights_.resize(weights_.size());
  open_deltas_.resize(deltas_.size());
}

void ResidentParameters::load(int64_t segment) {
  if (segment == segment_) return;
  segment_ = -1;  // nothing is loaded if a weight turns out not to be finite
  node_ = -1;
  for (size_t i = 0; i < deltas_.size(); ++i) {
    const Endpoints ends = trajectory_.endpoints(segment, static_cast<ParameterId>(i));
    require_finite(ends.from, trajectory_.describe(segment, false));
    require_finite(ends.to, trajectory_.describe(segment, true));
    form_delta(ends, deltas_[i]);
  }
  segment_ = segment;
}

void ResidentParameters::open(const std::vector<ParameterRows>& parts,
                              const std::vector<ParameterRows>& /*next*/) {
  for (const ParameterRows& part : parts) {
    const auto i = static_cast<size_t>(part.parameter);
    open_weights_[i] = weights_[i].narrow(0, part.first, part.count);
    open_deltas_[i] = deltas_[i].narrow(0, part.first, part.count);
  }
}

void ResidentParameters::set_node(double t) {
  if (t == node_) return;
  for (size_t i = 0; i < weights_.size(); ++i) {
    form_weight(trajectory_.endpoints(segment_, static_cast<ParameterId>(i)), deltas_[i], t,
                weights_[i]);
  }
  node_ = t;
}

at::Tensor ResidentParameters::weight_rows(ParameterId parameter, const at::Tensor& ids) {
  return at::embedding(weights_[static_cast<size_t>(parameter)], ids);
}

at::Tensor ResidentParameters::delta_rows(ParameterId parameter, const at::Tensor& ids) {
  return at::embedding(deltas_[static_cast<size_t>(parameter)], ids);
}

}  // namespace explaind
