#include "store/operations/bootstrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/split_mix.hpp"

namespace explaind {
namespace {

/// FNV-1a of the names, each followed by a NUL.
uint64_t hash_of(const std::vector<std::string>& names) {
  Fnv1a hash;
  for (const std::string& name : names) hash.add(name).byte(0);
  return hash.value();
}

/// How often every sample is drawn, per drawing; samples of a key are drawn among themselves.
std::vector<std::vector<double>> drawn_counts(const QueryAxis& samples,
                                              const Resampling& resampling) {
  std::vector<std::vector<double>> counts(static_cast<size_t>(resampling.times),
                                          std::vector<double>(samples.chosen.size(), 0.0));
  const Coordinate* id = samples.coordinates.find("id");
  for (size_t key = 0; key < samples.keys.size(); ++key) {
    std::vector<size_t> members;
    std::vector<std::string> names;
    for (size_t i = 0; i < samples.chosen.size(); ++i) {
      if (!samples.chosen[i] || samples.group[i] != key) continue;
      members.push_back(i);
      names.push_back(id == nullptr ? std::to_string(i) : id->values[i]);
    }
    SplitMix64 random(hash_of(names) ^ resampling.seed);
    for (std::vector<double>& drawing : counts) {
      for (size_t i = 0; i < members.size(); ++i)
        drawing[members[random.below(members.size())]] += 1;
    }
  }
  return counts;
}

/// The percentile of sorted values, 0 ≤ share ≤ 1.
double percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<std::vector<double>> drawn_means(const Cells& cells, size_t axis,
                                             const QueryAxis& samples,
                                             const Resampling& resampling) {
  const std::vector<std::vector<double>> counts = drawn_counts(samples, resampling);
  const std::vector<int64_t> sizes = samples.counts();
  size_t inner = 1;
  for (size_t d = axis + 1; d < cells.shape.size(); ++d) inner *= cells.shape[d];
  const size_t entries = cells.shape[axis], keys = samples.keys.size();
  const size_t folded = cells.values.size() / entries * keys;
  std::vector<std::vector<double>> means(counts.size(), std::vector<double>(folded, 0.0));
  for (size_t cell = 0; cell < cells.values.size(); ++cell) {
    const size_t entry = cell / inner % entries;
    if (!cells.seen[cell]) continue;
    const size_t key = samples.group[entry];
    const size_t to = (cell / inner / entries * keys + key) * inner + cell % inner;
    const auto size = static_cast<double>(sizes[key]);
    for (size_t each = 0; each < counts.size(); ++each) {
      // One sample alone says nothing of how others would lie.
      means[each][to] += size < 2 ? std::numeric_limits<double>::quiet_NaN()
                                  : counts[each][entry] * cells.values[cell] / size;
    }
  }
  return means;
}

void to_intervals(QueryResult& result, const Resampling& resampling) {
  constexpr double outside = (1 - interval_share) / 2;
  std::vector<double> values(result.drawings.size());
  for (size_t row = 0; row < result.values.size(); ++row) {
    bool known = !std::isnan(result.values[row]);
    for (size_t each = 0; each < values.size(); ++each) {
      values[each] = result.drawings[each][row];
      known = known && !std::isnan(values[each]);
    }
    if (known) std::sort(values.begin(), values.end());
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    result.low.push_back(known ? percentile(values, outside) : nothing);
    result.high.push_back(known ? percentile(values, 1 - outside) : nothing);
  }
  result.drawings.clear();
  result.statement.then.push_back(
      fmt::format("interval: {:g} % by percentiles of {} drawings of the samples with replacement, "
                  "seed {}",
                  100 * interval_share, resampling.times, resampling.seed));
}

}  // namespace explaind
