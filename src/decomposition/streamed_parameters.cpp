#include "decomposition/streamed_parameters.hpp"

#include <ATen/ATen.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

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

/// Asks the system to read the pages behind a view; it is a hint, and a failure costs only speed.
void request(const TensorView& view) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(view.data), first = start / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): madvise wants the page's address.
  madvise(reinterpret_cast<void*>(first), start - first + view.bytes, MADV_WILLNEED);
}

}  // namespace

void StreamedParameters::reserve(const std::vector<ParameterRows>& parts) {
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

void StreamedParameters::open(const std::vector<ParameterRows>& parts,
                              const std::vector<ParameterRows>& next) {
  open_.clear();
  formed_ = false;
  reserve(parts);
  int64_t offset = 0;
  for (const ParameterRows& part : parts) {
    const std::vector<int64_t> shape = shape_of(network_, part);
    const int64_t count = elements(shape);
    Part& opened = open_[part.parameter];
    opened.ends = rows_of(trajectory_.endpoints(segment_, part.parameter), part.first, part.count);
    opened.weight = weights_.narrow(0, offset, count).view(shape);
    opened.delta = deltas_.narrow(0, offset, count).view(shape);
    offset += (count + boundary - 1) / boundary * boundary;
  }
  for (const ParameterRows& part : next) {
    const Endpoints ends =
        rows_of(trajectory_.endpoints(segment_, part.parameter), part.first, part.count);
    request(ends.from);
    request(ends.to);
  }
  for (auto& [parameter, part] : open_) {
    form_delta(part.ends, part.delta);
    bytes_opened_ += static_cast<int64_t>(part.ends.from.bytes + part.ends.to.bytes);
  }
}

void StreamedParameters::set_node(double t) {
  if (formed_ && t == node_) return;
  node_ = t;
  formed_ = true;
  for (auto& [parameter, part] : open_) form_weight(part.ends, part.delta, t, part.weight);
}

at::Tensor StreamedParameters::rows(ParameterId parameter, const at::Tensor& ids, bool update) {
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

at::Tensor StreamedParameters::weight_rows(ParameterId parameter, const at::Tensor& ids) {
  return rows(parameter, ids, false);
}

at::Tensor StreamedParameters::delta_rows(ParameterId parameter, const at::Tensor& ids) {
  return rows(parameter, ids, true);
}

}  // namespace explaind
