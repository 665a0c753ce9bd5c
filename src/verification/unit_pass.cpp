#include "verification/unit_pass.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "store/crc32.hpp"
#include "store/slab_pieces.hpp"
#include "verification/compensated_sum.hpp"

namespace explaind {
namespace {

constexpr size_t piece_bytes = size_t{8} << 20;

/// Values of a piece as numbers; empty where they are no real numbers.
std::vector<double> widened(const std::vector<char>& bytes, const StoredNumber& number) {
  if (!number.real) return {};
  std::vector<double> values(bytes.size() / number.bytes);
  if (number.bytes == sizeof(double)) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  std::vector<float> narrow(values.size());
  std::memcpy(narrow.data(), bytes.data(), bytes.size());
  std::copy(narrow.begin(), narrow.end(), values.begin());
  return values;
}

/// A fixed rule has no estimate.
bool may_be_missing(const std::string& name) { return name == "quadrature_error"; }

class Pass {
 public:
  Pass(const StoreReader& store, const StoreShape& shape, const Unit& unit,
       const std::vector<int64_t>& lengths)
      : store_(store), shape_(shape), unit_(unit), lengths_(lengths) {}

  UnitSums run() {
    for (const std::string& name : shape_.tile) {
      const bool dense =
          std::find(shape_.dense.begin(), shape_.dense.end(), name) != shape_.dense.end();
      const bool added = name == "psi" || dense;
      begin(added);
      read(name, added);
      if (name == "psi") end(found_.scores, found_.sizes);
      if (dense) end(found_.scalars.emplace_back(), found_.scalar_sizes.emplace_back());
    }
    return std::move(found_);
  }

 private:
  void begin(bool added) {
    const auto cells = static_cast<size_t>(shape_.rows(unit_) * shape_.outputs);
    sums_.assign(added ? cells : 0, {});
    sizes_.assign(added ? cells : 0, {});
  }
  void end(std::vector<double>& sums, std::vector<double>& sizes) const {
    for (const CompensatedSum& each : sums_) sums.push_back(each.value());
    for (const CompensatedSum& each : sizes_) sizes.push_back(each.value());
  }

  void read(const std::string& name, bool added) {
    const StoredVariable variable = store_.variable(name);
    const StoredNumber number = store_.number_of(name);
    const UnitPlace place = place_of(variable, unit_);
    const hdf5::Slab slab{{place.start.begin(), place.start.end()},
                          {place.count.begin(), place.count.end()}};
    for (const hdf5::Slab& piece : hdf5::pieces_of(slab, number.bytes, piece_bytes)) {
      const std::vector<int64_t> start(piece.start.begin(), piece.start.end());
      const std::vector<int64_t> count(piece.count.begin(), piece.count.end());
      size_t size = number.bytes;
      for (const int64_t each : count) size *= static_cast<size_t>(each);
      std::vector<char> bytes(size);
      store_.read_bytes(name, start, count, bytes.data());
      found_.checksum = crc32_of(found_.checksum, bytes.data(), bytes.size());
      take(variable, start, count, widened(bytes, number), added);
    }
  }

  /// Adds a piece's values to their cells, a run along the last axis at a time.
  void take(const StoredVariable& variable, const std::vector<int64_t>& start,
            const std::vector<int64_t>& count, const std::vector<double>& values, bool added) {
    if (values.empty() || count.empty()) return;
    const size_t last = count.size() - 1;
    const int64_t step = variable.dims[last] == "output" ? 1 : 0;
    std::vector<int64_t> index(count.size(), 0);
    for (size_t at = 0; at < values.size(); at += static_cast<size_t>(count[last])) {
      int64_t row = 0, position = -1;
      for (size_t axis = 0; axis < last; ++axis) {
        const std::string& dim = variable.dims[axis];
        const int64_t entry = start[axis] + index[axis];
        if (dim == "sample") row = entry - unit_.sample_begin;
        if (dim == "group") row = entry;
        if (dim == "position") position = entry;
      }
      const bool beyond = added && position >= 0 && shape_.of_samples &&
                          static_cast<size_t>(unit_.sample_begin + row) < lengths_.size() &&
                          position >= lengths_[static_cast<size_t>(unit_.sample_begin + row)];
      for (int64_t i = 0; i < count[last]; ++i) {
        const double value = values[at + static_cast<size_t>(i)];
        if (!std::isfinite(value) && !may_be_missing(variable.name)) {
          index[last] = i;
          note_not_finite(variable, start, index, value);
        }
        if (!added) continue;
        if (beyond && value != 0) ++found_.past_end;
        const auto cell =
            static_cast<size_t>(row * shape_.outputs + (step == 1 ? start[last] + i : 0));
        sums_[cell].add(value);
        sizes_[cell].add(std::abs(value));
      }
      index[last] = 0;
      for (size_t axis = last; axis-- > 0;) {
        if (++index[axis] < count[axis]) break;
        index[axis] = 0;
      }
    }
  }

  void note_not_finite(const StoredVariable& variable, const std::vector<int64_t>& start,
                       const std::vector<int64_t>& index, double value) {
    if (found_.not_finite++ > 0) return;
    std::vector<std::string> where;
    for (size_t axis = 0; axis < index.size(); ++axis) {
      where.push_back(fmt::format("{} {}", variable.dims[axis], start[axis] + index[axis]));
    }
    found_.first_not_finite =
        fmt::format("{} is {} at {}", variable.name, value, fmt::join(where, ", "));
  }

  const StoreReader& store_;
  const StoreShape& shape_;
  const Unit& unit_;
  const std::vector<int64_t>& lengths_;
  UnitSums found_;
  std::vector<CompensatedSum> sums_, sizes_;
};

}  // namespace

UnitPlace place_of(const StoredVariable& variable, const Unit& unit) {
  UnitPlace place;
  for (size_t axis = 0; axis < variable.dims.size(); ++axis) {
    int64_t start = 0, count = variable.shape[axis];
    if (variable.dims[axis] == "segment") {
      start = unit.segment;
      count = 1;
    } else if (variable.dims[axis] == "sample") {
      start = unit.sample_begin;
      count = unit.sample_end - unit.sample_begin;
    }
    place.start.push_back(start);
    place.count.push_back(count);
  }
  return place;
}

UnitSums sums_of_unit(const StoreReader& store, const StoreShape& shape, const Unit& unit,
                      const std::vector<int64_t>& lengths) {
  return Pass(store, shape, unit, lengths).run();
}

}  // namespace explaind
