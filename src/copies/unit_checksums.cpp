#include "copies/unit_checksums.hpp"

#include <zlib.h>

#include <algorithm>

#include "store/crc32.hpp"

namespace explaind {

UnitChecksums::UnitChecksums(const UnitGrid& units)
    : units_(units),
      whole_(static_cast<size_t>(units.size()), 0),
      part_(static_cast<size_t>(units.size()), 0) {}

void UnitChecksums::begin(const std::vector<hsize_t>& shape, bool of_samples, size_t width) {
  shape_ = shape;
  of_samples_ = of_samples;
  stride_.assign(shape.size(), width);
  for (size_t axis = shape.size() - 1; axis-- > 0;) {
    stride_[axis] = stride_[axis + 1] * shape[axis + 1];
  }
  for (const uint64_t stride : stride_) shifts_.try_emplace(stride, stride);
  std::fill(part_.begin(), part_.end(), 0U);
}

void UnitChecksums::add(const hdf5::Slab& piece, const char* data) {
  size_t row_bytes = stride_.back();  // of the piece, for an entry of its first axis
  for (size_t axis = 1; axis < shape_.size(); ++axis) row_bytes *= piece.count[axis];
  for (hsize_t i = 0; i < piece.count[0]; ++i) {
    const auto segment = static_cast<int64_t>(piece.start[0] + i);
    for (int64_t chunk = 0; chunk < units_.per_segment(); ++chunk) {
      const Unit unit = units_.unit(segment * units_.per_segment() + chunk);
      add_to(unit, piece, data + i * row_bytes);
    }
  }
}

/// data: of the unit's segment.
void UnitChecksums::add_to(const Unit& unit, const hdf5::Slab& piece, const char* data) {
  std::vector<hsize_t> start = piece.start, count = piece.count;
  std::vector<size_t> piece_bytes(count.size(), stride_.back());
  for (size_t axis = count.size() - 1; axis-- > 0;) {
    piece_bytes[axis] = piece_bytes[axis + 1] * count[axis + 1];
  }
  start[0] = 0;
  count[0] = 1;
  if (of_samples_) {
    const auto first = std::max<hsize_t>(start[1], static_cast<hsize_t>(unit.sample_begin));
    const auto last = std::min<hsize_t>(start[1] + count[1], static_cast<hsize_t>(unit.sample_end));
    if (first >= last) return;
    data += (first - start[1]) * piece_bytes[1];
    start[1] = first - static_cast<hsize_t>(unit.sample_begin);
    count[1] = last - first;
  }
  uint64_t end = stride_.back();  // in the tile, of the last run
  for (size_t axis = 1; axis < count.size(); ++axis) {
    end += (start[axis] + count[axis] - 1) * stride_[axis];
  }
  const uint64_t after = tile_bytes(unit) - end;
  part_[static_cast<size_t>(unit.index)] ^= static_cast<uint32_t>(
      crc32_combine(runs(0, count, piece_bytes, data), 0, static_cast<z_off_t>(after)));
}

/// The runs' exclusive or, each shifted to the end of the last one.
uint32_t UnitChecksums::runs(size_t axis, const std::vector<hsize_t>& count,
                             const std::vector<size_t>& piece_bytes, const char* data) const {
  size_t inner = count.size() - 1;  // behind it the piece has all that the tile has
  while (inner > axis && count[inner] == shape_[inner]) --inner;
  if (inner == axis) return crc32_of(0, data, count[axis] * piece_bytes[axis]);
  const CrcShift& shift = shifts_.at(stride_[axis]);
  uint32_t crc = 0;
  for (hsize_t i = 0; i < count[axis]; ++i) {
    crc = shift(crc) ^ runs(axis + 1, count, piece_bytes, data + i * piece_bytes[axis]);
  }
  return crc;
}

uint64_t UnitChecksums::tile_bytes(const Unit& unit) const {
  if (shape_.size() < 2) return stride_[0];
  const uint64_t rows =
      of_samples_ ? static_cast<uint64_t>(unit.sample_end - unit.sample_begin) : shape_[1];
  return rows * stride_[1];
}

void UnitChecksums::end() {
  for (int64_t index = 0; index < units_.size(); ++index) {
    const auto at = static_cast<size_t>(index);
    const uint64_t bytes = tile_bytes(units_.unit(index));
    whole_[at] =
        static_cast<uint32_t>(crc32_combine(whole_[at], part_[at], static_cast<z_off_t>(bytes)));
  }
}

}  // namespace explaind
