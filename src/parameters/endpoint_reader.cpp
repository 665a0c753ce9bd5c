#include "parameters/endpoint_reader.hpp"

#include <ATen/ATen.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/alignment.hpp"
#include "parameters/endpoints.hpp"

namespace explaind {
namespace {

Endpoints ends_of(const Trajectory& trajectory, int64_t segment, const ParameterRows& part) {
  return rows_of(trajectory.endpoints(segment, part.parameter), part.first, part.count);
}

/// Asks the system to read the pages behind a view; it is a hint, and a failure costs only speed.
void request_pages(const TensorView& view) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(view.data), first = start / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): madvise wants the page's address.
  madvise(reinterpret_cast<void*>(first), start - first + view.bytes, MADV_WILLNEED);
}

const std::byte* bytes_of(const at::Tensor& tensor) {
  return reinterpret_cast<const std::byte*>(tensor.const_data_ptr<uint8_t>());
}

std::byte* mutable_bytes_of(const at::Tensor& tensor) {
  return reinterpret_cast<std::byte*>(tensor.data_ptr<uint8_t>());
}

}  // namespace

std::vector<Endpoints> MappedEndpoints::read(const std::vector<ParameterRows>& parts) {
  std::vector<Endpoints> ends;
  for (const ParameterRows& part : parts) ends.push_back(ends_of(trajectory_, segment_, part));
  return ends;
}

void MappedEndpoints::request(const std::vector<ParameterRows>& parts) {
  for (const ParameterRows& part : parts) {
    const Endpoints ends = ends_of(trajectory_, segment_, part);
    request_pages(ends.from);
    request_pages(ends.to);
    for (const StoredSum& direction : ends.directions) {
      for (const Term& term : direction) request_pages(term.values);
    }
  }
}

GatheredEndpoints::~GatheredEndpoints() {
  if (under_way_) group_.abort("this rank left while parameters were gathered");
}

void GatheredEndpoints::load(int64_t segment) {
  finish();  // it is of another segment, and reads shares
  segment_ = segment;
  std::erase_if(shares_, [&](const auto& share) {
    return share.first != trajectory_.point(segment, false) &&
           share.first != trajectory_.point(segment, true);
  });
}

const at::Tensor& GatheredEndpoints::share(const std::vector<ParameterRows>& parts, bool to) {
  at::Tensor& mine = shares_[trajectory_.point(segment_, to)][{parts[0].parameter, parts[0].first}];
  if (mine.defined()) return mine;
  size_t total = 0;
  std::vector<TensorView> views;
  for (const ParameterRows& part : parts) {
    const Endpoints ends = ends_of(trajectory_, segment_, part);
    views.push_back(to ? ends.to : ends.from);
    total += aligned(views.back().bytes);
  }
  const auto ranks = static_cast<size_t>(group_.size()), rank = static_cast<size_t>(group_.rank());
  const size_t size = aligned((total + ranks - 1) / ranks);
  const at::Tensor here = at::empty({static_cast<int64_t>(size)}, at::kByte);
  const size_t begin = rank * size, end = begin + size;
  size_t offset = 0;
  for (const TensorView& view : views) {
    const size_t first = std::max(begin, offset), last = std::min(end, offset + view.bytes);
    if (first < last) {
      std::memcpy(here.data_ptr<uint8_t>() + (first - begin), view.data + (first - offset),
                  last - first);
    }
    offset += aligned(view.bytes);
  }
  mine = memory_.upload(here);
  return mine;
}

void GatheredEndpoints::start(const std::vector<ParameterRows>& parts) {
  requested_.parts = parts;
  for (const bool to : {false, true}) {
    const at::Tensor& mine = share(parts, to);
    Gathered& all = requested_.ends[to ? 1 : 0];
    const int64_t size = mine.numel() * group_.size();
    if (!all.bytes.defined() || all.bytes.numel() < size) {
      all.bytes.reset();  // before the larger one is there
      all.bytes = at::empty({size}, memory_.options(at::kByte));
    }
    all.gather = group_.start(bytes_of(mine), mine.nbytes(), mutable_bytes_of(all.bytes));
  }
  under_way_ = true;
}

void GatheredEndpoints::finish() {
  if (!under_way_) return;
  for (const Gathered& end : requested_.ends) group_.wait(end.gather);
  under_way_ = false;
}

void GatheredEndpoints::request(const std::vector<ParameterRows>& parts) {
  finish();
  if (!parts.empty()) start(parts);
}

std::vector<Endpoints> GatheredEndpoints::read(const std::vector<ParameterRows>& parts) {
  if (parts.empty()) return {};
  if (under_way_ && requested_.parts != parts) finish();
  if (!under_way_) start(parts);
  finish();
  std::swap(open_, requested_);
  std::vector<Endpoints> ends;
  size_t offset[2] = {0, 0};  // endpoints may be stored in different types
  for (const ParameterRows& part : parts) {
    Endpoints each = ends_of(trajectory_, segment_, part);
    for (const bool to : {false, true}) {
      TensorView& view = to ? each.to : each.from;
      size_t& at = offset[to ? 1 : 0];
      view.data = bytes_of(open_.ends[to ? 1 : 0].bytes) + at;
      at += aligned(view.bytes);
    }
    ends.push_back(std::move(each));
  }
  return ends;
}

}  // namespace explaind
