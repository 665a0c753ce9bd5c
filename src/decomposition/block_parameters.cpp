#include "decomposition/block_parameters.hpp"

#include <ATen/ATen.h>

#include "decomposition/endpoints.hpp"

namespace explaind {
namespace {

constexpr int64_t boundary = 16;  // elements: 64 bytes of fp32

std::vector<int64_t> shape_of(const Network& network, const ParameterRows& part) {
  std::vector<int64_t> shape = network.parameters()[static_cast<size_t>(part.parameter)].shape;
  shape[0] = part.count;
  return shape;
}

int64_t elements(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  return count;
}

}  // namespace

void BlockParameters::reserve(const std::vector<ParameterRows>& parts) {
  int64_t total = 0;
  for (const ParameterRows& part : parts) {
    total += (elements(shape_of(network_, part)) + boundary - 1) / boundary * boundary;
  }
  if (weights_.defined() && weights_.numel() >= total) return;
  weights_.reset();  // before the larger ones are there
  deltas_.reset();
  weights_ = at::empty({total}, type_);
  deltas_ = at::empty({total}, type_);
}

void BlockParameters::load(int64_t segment) {
  segment_ = segment;
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
    const int64_t count = elements(shape);
    Part& opened = open_[parts[i].parameter];
    opened.ends = ends[i];
    opened.weight = weights_.narrow(0, offset, count).view(shape);
    opened.delta = deltas_.narrow(0, offset, count).view(shape);
    offset += (count + boundary - 1) / boundary * boundary;
    form_delta(opened.ends, opened.delta);
    bytes_opened_ += static_cast<int64_t>(ends[i].from.bytes + ends[i].to.bytes);
  }
}

void BlockParameters::set_node(double t) {
  if (formed_ && t == node_) return;
  node_ = t;
  formed_ = true;
  for (auto& [parameter, part] : open_) form_weight(part.ends, part.delta, t, part.weight);
}

at::Tensor BlockParameters::rows(ParameterId parameter, const at::Tensor& ids, bool update) {
  const Endpoints ends = trajectory_.endpoints(segment_, parameter);
  const int64_t columns = ends.from.shape[1];
  const at::Tensor flat = ids.contiguous().view({-1});
  at::Tensor deltas = at::empty({flat.numel(), columns}, type_);
  at::Tensor weights = update ? at::Tensor() : at::empty({flat.numel(), columns}, type_);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const Endpoints row = rows_of(ends, flat.const_data_ptr<int64_t>()[i], 1);
    at::Tensor delta = deltas.select(0, i);
    form_delta(row, delta);
    if (update) continue;
    at::Tensor weight = weights.select(0, i);
    form_weight(row, delta, node_, weight);
  }
  std::vector<int64_t> shape = ids.sizes().vec();
  shape.push_back(columns);
  return (update ? deltas : weights).view(shape);
}

at::Tensor BlockParameters::weight_rows(ParameterId parameter, const at::Tensor& ids) {
  return rows(parameter, ids, false);
}

at::Tensor BlockParameters::delta_rows(ParameterId parameter, const at::Tensor& ids) {
  return rows(parameter, ids, true);
}

}  // namespace explaind
