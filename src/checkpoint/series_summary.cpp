#include "checkpoint/series_summary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <stdexcept>

#include "checkpoint/convert.hpp"
#include "checkpoint/safetensors_file.hpp"
#include "families/decoder_config.hpp"

namespace explaind {
namespace {

/// Sums over elements, all in double.
struct Sums {
  double change_squares = 0, from_squares = 0, largest = 0;
  int64_t changed = 0, finite = 0, not_finite = 0;

  void add(double from, double to) {
    const double change = to - from;
    // Covers both ends: NaN and infinity survive subtraction (∞ − ∞ is NaN).
    if (!std::isfinite(change)) {
      ++not_finite;
      return;
    }
    ++finite;
    change_squares += change * change;
    from_squares += from * from;
    largest = std::max(largest, std::abs(change));
    changed += change != 0 ? 1 : 0;
  }

  void add(const Sums& other) {
    change_squares += other.change_squares;
    from_squares += other.from_squares;
    largest = std::max(largest, other.largest);
    changed += other.changed;
    finite += other.finite;
    not_finite += other.not_finite;
  }
};

Sums compare(const TensorView& from, const TensorView& to) {
  constexpr int64_t block = 4096;
  std::array<double, block> before{}, after{};
  const int64_t count = from.elements();
  Sums total;
  for (int64_t begin = 0; begin < count; begin += block) {
    const auto n = static_cast<size_t>(std::min(block, count - begin));
    to_double(from, begin, std::span(before).first(n));
    to_double(to, begin, std::span(after).first(n));
    Sums sums;  // a sum of sums of blocks loses fewer digits
    for (size_t i = 0; i < n; ++i) sums.add(before[i], after[i]);
    total.add(sums);
  }
  return total;
}

double ratio(double part, double whole) { return part == 0 ? 0 : part / whole; }

CheckpointDifference summed(const Sums& total) {
  return {
      .relative_change = ratio(std::sqrt(total.change_squares), std::sqrt(total.from_squares)),
      .largest_change = total.largest,
      .changed_share = ratio(static_cast<double>(total.changed), static_cast<double>(total.finite)),
      .not_finite = total.not_finite};
}

}  // namespace

CheckpointSummary summarize(const Checkpoint& checkpoint) {
  CheckpointSummary summary;
  summary.files = static_cast<int64_t>(checkpoint.mapped().size());
  for (const auto& weights : checkpoint.mapped()) {
    summary.file_bytes += static_cast<int64_t>(weights->file().bytes().size());
  }
  std::map<Dtype, DtypeTotal> totals;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (is_floating(tensor.dtype)) summary.parameters += tensor.elements();
    DtypeTotal& total = totals[tensor.dtype];
    total.dtype = tensor.dtype;
    total.tensors += 1;
    total.elements += tensor.elements();
    total.bytes += static_cast<int64_t>(tensor.bytes);
  }
  for (const auto& [dtype, total] : totals) summary.dtypes.push_back(total);
  std::stable_sort(summary.dtypes.begin(), summary.dtypes.end(),
                   [](const DtypeTotal& a, const DtypeTotal& b) { return a.bytes > b.bytes; });
  return summary;
}

CheckpointDifference difference(const CheckpointSeries& series, size_t i) {
  if (i + 1 >= series.size()) throw std::out_of_range("no checkpoint after the last");
  Sums total;
  const DecoderConfig model = read_decoder_config(series.config(), "config.json");
  for (const auto& [name, from] : series.checkpoint(i).tensors()) {
    if (is_unused(model, name)) continue;  // may be in one of them only
    series.checkpoint(i).prepare(from);
    const TensorView& to = series.checkpoint(i + 1).tensor(name);
    if (is_floating(from.dtype) && is_floating(to.dtype)) total.add(compare(from, to));
  }
  CheckpointDifference found = summed(total);
  found.step_from = series.step(i);
  found.step_to = series.step(i + 1);
  return found;
}

CheckpointDifference difference(const Checkpoint& from, const Checkpoint& to) {
  Sums total;
  for (const auto& [name, before] : from.tensors()) {
    const auto after = to.tensors().find(name);
    const bool both = after != to.tensors().end() && after->second.shape == before.shape;
    if (both) {
      from.prepare(before);
      to.prepare(after->second);
    }
    if (both && is_floating(before.dtype) && is_floating(after->second.dtype)) {
      total.add(compare(before, after->second));
    }
  }
  return summed(total);
}

}  // namespace explaind
