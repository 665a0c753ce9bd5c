#include "decomposition/endpoint_reader.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "decomposition/endpoints.hpp"

namespace explaind {
namespace {

constexpr size_t line = 64;  ///< bytes: parts and shares begin on such boundaries

size_t rounded(size_t bytes) { return (bytes + line - 1) / line * line; }

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

const GatheredEndpoints::Bytes& GatheredEndpoints::share(const std::vector<ParameterRows>& parts,
                                                         bool to) {
  Bytes& mine = shares_[trajectory_.point(segment_, to)][{parts[0].parameter, parts[0].first}];
  if (!mine.empty()) return mine;
  size_t total = 0;
  std::vector<TensorView> views;
  for (const ParameterRows& part : parts) {
    const Endpoints ends = ends_of(trajectory_, segment_, part);
    views.push_back(to ? ends.to : ends.from);
    total += rounded(views.back().bytes);
  }
  const auto ranks = static_cast<size_t>(group_.size()), rank = static_cast<size_t>(group_.rank());
  mine.resize(rounded((total + ranks - 1) / ranks));
  const size_t begin = rank * mine.size(), end = begin + mine.size();
  size_t offset = 0;
  for (const TensorView& view : views) {
    const size_t first = std::max(begin, offset), last = std::min(end, offset + view.bytes);
    if (first < last) {
      std::memcpy(mine.data() + (first - begin), view.data + (first - offset), last - first);
    }
    offset += rounded(view.bytes);
  }
  return mine;
}

void GatheredEndpoints::start(const std::vector<ParameterRows>& parts) {
  requested_.parts = parts;
  for (const bool to : {false, true}) {
    const Bytes& mine = share(parts, to);
    Gathered& all = requested_.ends[to ? 1 : 0];
    const size_t size = mine.size() * static_cast<size_t>(group_.size());
    if (all.room < size) {
      all.bytes.reset();  // before the larger one is there
      all.bytes = std::make_unique_for_overwrite<std::byte[]>(size);
      all.room = size;
    }
    all.gather = group_.start(mine.data(), mine.size(), all.bytes.get());
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
      view.data = open_.ends[to ? 1 : 0].bytes.get() + at;
      at += rounded(view.bytes);
    }
    ends.push_back(std::move(each));
  }
  return ends;
}

}  // namespace explaind
