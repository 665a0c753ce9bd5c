#include "doctor/excess_lengths.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "doctor/thresholds.hpp"

namespace explaind {
namespace {

/// How long a way is, as a logarithm: into `to` from the checkpoint before, or, past a checkpoint
/// that is left out, from the one before that. NaN where it has no length.
double log_length(const Mover& mover, size_t to, bool past) {
  const double last = mover.length[to];
  if (!past) return last > 0 ? std::log(last) : nothing;
  const double first = mover.length[to - 1];
  const double turn = std::isfinite(mover.cosine[to - 1]) ? mover.cosine[to - 1] * first * last : 0;
  const double square = first * first + last * last + 2 * turn;
  return square > 0 ? std::log(square) / 2 : nothing;
}

}  // namespace

/// How the suspect's way differs from that of the others of its kinds.
double ExcessLengths::excess(const Suspect& suspect, size_t to, bool past) const {
  const std::vector<Mover>& movers = ratios_.movers();
  const auto is_own = [&](const Mover& mover) {
    return suspect.tensor.empty() ? mover.file[to] == suspect.file : mover.name == suspect.tensor;
  };
  std::vector<double> differences, all;
  for (const auto& [kind, of] : ratios_.kinds()) {
    std::vector<double> own, others;
    for (const size_t t : of) {
      const double length = log_length(movers[t], to, past);
      (is_own(movers[t]) ? own : others).push_back(length);
      all.push_back(length);
    }
    differences.push_back(median(own) - median(others));
  }
  const double difference = median(differences);
  if (std::isfinite(difference) || suspect.tensor.empty()) return difference;
  const auto own = std::find_if(movers.begin(), movers.end(), is_own);
  return log_length(*own, to, past) - median(all);
}

/// The largest step between neighbouring excesses around the suspect, where checkpoint `out` is
/// left out.
double ExcessLengths::roughness_without(const Suspect& suspect, size_t out) const {
  std::vector<double> row;
  const size_t last = std::min(ratios_.checkpoints() - 1, suspect.checkpoint + 3);
  for (size_t to = suspect.checkpoint > 2 ? suspect.checkpoint - 2 : 1; to <= last; ++to) {
    if (to == out || (out == 0 && to == 1)) continue;
    row.push_back(excess(suspect, to, out > 0 && to == out + 1));
  }
  std::erase_if(row, [](double value) { return !std::isfinite(value); });
  double most = 0;
  for (size_t i = 1; i < row.size(); ++i) most = std::max(most, std::abs(row[i] - row[i - 1]));
  return most;
}

std::vector<size_t> ExcessLengths::places(const Suspect& suspect) const {
  std::vector<std::pair<double, size_t>> rough;
  for (size_t j = suspect.checkpoint - 1; j <= suspect.checkpoint + 1; ++j) {
    rough.emplace_back(roughness_without(suspect, j), j);
  }
  std::sort(rough.begin(), rough.end());
  std::vector<size_t> found;
  const double with_all = roughness_without(suspect, ratios_.checkpoints());
  if (rough.front().first > smoothed * with_all) return found;
  for (const auto& [roughness, j] : rough) {
    if (roughness <= rough.front().first + .15) found.push_back(j);
  }
  std::sort(found.begin(), found.end());
  return found;
}

double ExcessLengths::detour(const Suspect& suspect) const {
  const size_t j = suspect.checkpoint;
  std::vector<double> around;
  for (size_t to = j > 2 ? j - 2 : 1; to <= std::min(ratios_.checkpoints() - 1, j + 3); ++to) {
    if (to != j && to != j + 1) around.push_back(excess(suspect, to, false));
  }
  const double usual = median(around);
  const double found = excess(suspect, j, false) + excess(suspect, j + 1, false) - 2 * usual;
  return std::isfinite(found) ? found : 0;
}

}  // namespace explaind
