#include "decomposition/parameter_source.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "checkpoint/convert.hpp"
#include "kernels/interpolate.hpp"

namespace explaind {
namespace {

/// Elements a thread takes at a time; small tensors are not split.
constexpr int64_t grain = 1 << 15;

template <typename Body>
void for_type(at::ScalarType type, Body body) {
  if (type == at::kDouble) {
    body(double{});
  } else {
    body(float{});
  }
}

}  // namespace

ResidentParameters::ResidentParameters(const Network& network, const Trajectory& trajectory,
                                       at::ScalarType type)
    : trajectory_(trajectory), type_(type) {
  for (const ParameterInfo& parameter : network.parameters()) {
    weights_.push_back(at::empty(parameter.shape, type));
    deltas_.push_back(at::empty(parameter.shape, type));
  }
}

void ResidentParameters::load(int64_t segment) {
  if (segment == segment_) return;
  segment_ = -1;  // nothing is loaded if a weight turns out not to be finite
  for (size_t i = 0; i < deltas_.size(); ++i) {
    const Endpoints ends = trajectory_.endpoints(segment, static_cast<ParameterId>(i));
    require_finite(ends.from, trajectory_.describe(segment, false));
    require_finite(ends.to, trajectory_.describe(segment, true));
    for_type(type_, [&](auto real) {
      using Real = decltype(real);
      Real* delta = deltas_[i].data_ptr<Real>();
      at::parallel_for(0, deltas_[i].numel(), grain, [&](int64_t begin, int64_t end) {
        kernels::difference(ends.from, ends.to, begin, end, delta);
      });
    });
  }
  segment_ = segment;
}

void ResidentParameters::set_node(double t) {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const Endpoints ends = trajectory_.endpoints(segment_, static_cast<ParameterId>(i));
    for_type(type_, [&](auto real) {
      using Real = decltype(real);
      Real* weight = weights_[i].data_ptr<Real>();
      const Real* delta = deltas_[i].data_ptr<Real>();
      at::parallel_for(0, weights_[i].numel(), grain, [&](int64_t begin, int64_t end) {
        if (t == 0) {
          kernels::widen(ends.from, begin, end, weight);
        } else if (t == 1) {
          kernels::widen(ends.to, begin, end, weight);
        } else {
          kernels::interpolate(ends.from, delta, static_cast<Real>(t), begin, end, weight);
        }
      });
    });
  }
}

}  // namespace explaind
