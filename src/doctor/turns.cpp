#include "doctor/turns.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "doctor/thresholds.hpp"

namespace explaind {
namespace {

/// Rounding of the stored type does not decide its direction.
bool moved_all(const Mover& mover, size_t j) {
  return mover.share[j] > .9 && mover.share[j + 1] > .9 && std::isfinite(mover.cosine[j]);
}

}  // namespace

std::vector<size_t> turning_checkpoints(const std::vector<Mover>& movers, size_t checkpoints) {
  std::vector<std::pair<double, size_t>> sharp;
  for (size_t j = 1; j + 1 < checkpoints; ++j) {
    std::vector<double> cosines;
    double turn = 0;
    for (const Mover& mover : movers) {
      if (!moved_all(mover, j)) continue;
      cosines.push_back(mover.cosine[j]);
      turn += mover.cosine[j] * mover.length[j] * mover.length[j + 1];
    }
    const auto back = std::count_if(cosines.begin(), cosines.end(),
                                    [](double cosine) { return cosine < all_turned; });
    if (back > 0 && static_cast<double>(back) >= .9 * static_cast<double>(cosines.size())) {
      sharp.emplace_back(turn, j);
    }
  }
  std::sort(sharp.begin(), sharp.end());
  std::vector<size_t> found;
  for (const auto& [turn, j] : sharp) {
    if (std::none_of(found.begin(), found.end(), [at = j](size_t i) { return near(at, i); })) {
      found.push_back(j);
    }
  }
  return found;
}

std::vector<Suspect> turned_back(const KindRatios& ratios, const ExcessLengths& lengths) {
  const std::vector<Mover>& movers = ratios.movers();
  std::vector<Suspect> found;
  for (size_t j = 1; j + 1 < ratios.checkpoints(); ++j) {
    std::vector<double> all;
    std::map<int, std::vector<double>> of_file;
    for (const Mover& mover : movers) {
      if (!moved_all(mover, j)) continue;
      all.push_back(mover.cosine[j]);
      of_file[mover.file[j]].push_back(mover.cosine[j]);
    }
    for (const auto& [file, own] : of_file) {
      std::vector<double> others;
      for (const auto& [other, cosines] : of_file) {
        if (other != file) others.insert(others.end(), cosines.begin(), cosines.end());
      }
      if (others.empty() || own.size() < 2) continue;
      const double turn = median(own);
      if (turn > turned || median(others) - turn < turned_more) continue;
      const Suspect suspect{
          .checkpoint = j, .tensor = "", .file = file, .back = true, .strength = 1 - turn};
      if (lengths.detour(suspect) > least_detour) found.push_back(suspect);
    }
    const double usual = median(all);
    for (size_t t = 0; t < movers.size(); ++t) {
      const Mover& mover = movers[t];
      if (!moved_all(mover, j) || mover.cosine[j] > turned ||
          usual - mover.cosine[j] < turned_more) {
        continue;
      }
      const Suspect suspect{.checkpoint = j,
                            .tensor = mover.name,
                            .file = mover.file[j],
                            .back = true,
                            .strength = 10 * (1 - mover.cosine[j])};
      if (lengths.detour(suspect) > std::max(least_detour, unusual_detour * ratios.unit_of(t, j))) {
        found.push_back(suspect);
      }
    }
  }
  return found;
}

}  // namespace explaind
