#include "parameters/end_weights.hpp"

#include <ATen/ATen.h>

#include <stdexcept>
#include <vector>

#include "core/alignment.hpp"
#include "core/elements.hpp"
#include "parameters/endpoints.hpp"

namespace explaind {
namespace {

[[noreturn]] void refuse() { throw std::logic_error("forward passes at an end ask for no update"); }

}  // namespace

void EndWeights::load(int64_t segment) {
  if (segment == segment_) return;
  segment_ = segment;
  open_.clear();
  reader_->load(segment);
}

void EndWeights::open(const std::vector<ParameterRows>& parts,
                      const std::vector<ParameterRows>& next) {
  open_.clear();
  formed_ = false;
  const std::vector<Endpoints> ends = reader_->read(parts);
  reader_->request(next);
  std::vector<int64_t> offsets{0}, bytes;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<at::ScalarType> types;
  for (const ParameterRows& part : parts) {
    const ParameterInfo& info = model_.parameters()[static_cast<size_t>(part.parameter)];
    shapes.push_back(info.shape);
    shapes.back()[0] = part.count;
    types.push_back(type_of(info, precision_));
    bytes.push_back(elements(shapes.back()) * static_cast<int64_t>(at::elementSize(types.back())));
    offsets.push_back(offsets.back() + aligned(bytes.back()));
  }
  if (!arena_.defined() || arena_.numel() < offsets.back()) {
    arena_.reset();  // before the larger one is there
    arena_ = at::empty({offsets.back()}, device_.options(at::kByte));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    open_[parts[i].parameter] = {
        .ends = ends[i],
        .weight = arena_.narrow(0, offsets[i], bytes[i]).view(types[i]).view(shapes[i])};
  }
}

void EndWeights::set_node(double t) {
  if (t != 0 && t != 1) refuse();
  if (formed_ && t == node_) return;
  node_ = t;
  formed_ = true;
  for (auto& [parameter, part] : open_) form_weight(part.ends, {}, t, device_, part.weight);
}

at::Tensor EndWeights::weight_rows(ParameterId parameter, const at::Tensor& ids) {
  return device_.upload(looked_up_rows(trajectory_.endpoints(segment_, parameter), ids, node_,
                                       false, precision_.type));
}

const at::Tensor& EndWeights::delta(ParameterId /*parameter*/) const { refuse(); }

const at::Tensor& EndWeights::direction(int64_t /*index*/, ParameterId /*parameter*/) { refuse(); }

at::Tensor EndWeights::direction_rows(int64_t /*index*/, ParameterId /*parameter*/,
                                      const at::Tensor& /*ids*/) {
  refuse();
}

at::Tensor EndWeights::delta_rows(ParameterId /*parameter*/, const at::Tensor& /*ids*/) {
  refuse();
}

}  // namespace explaind
