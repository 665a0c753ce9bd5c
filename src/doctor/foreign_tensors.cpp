#include "doctor/foreign_tensors.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "doctor/thresholds.hpp"

namespace explaind {
namespace {

/// One that has hardly any of its kind: its ratio against all tensors' must jump at j, and the
/// other way at both neighbours, as a foreign tensor makes it and a trend does not.
void judge_pattern(const KindRatios& ratios, size_t t, size_t j, std::vector<Suspect>& found) {
  const std::vector<Mover>& movers = ratios.movers();
  const size_t count = ratios.checkpoints();
  const auto against_all = [&](size_t i) {
    std::vector<double> all;
    for (const Mover& mover : movers) all.push_back(mover.ratio[i]);
    return movers[t].ratio[i] - median(all);
  };
  if (j < 2 || j + 2 >= count) return;
  std::vector<double> around;
  for (const std::ptrdiff_t off : {-3, -2, 2, 3}) {
    const std::ptrdiff_t i = static_cast<std::ptrdiff_t>(j) + off;
    if (i >= 0 && i < static_cast<std::ptrdiff_t>(count)) {
      around.push_back(against_all(static_cast<size_t>(i)));
    }
  }
  std::erase_if(around, [](double value) { return !std::isfinite(value); });
  if (around.size() < 2) return;
  const double usual = median(around);
  const double here = against_all(j) - usual;
  const double sign = here > 0 ? 1 : -1;
  const double before = -sign * (against_all(j - 1) - usual);
  const double after = -sign * (against_all(j + 1) - usual);
  if (!(before > 0) || !(after > 0)) return;
  const double unit = ratios.scale(j, -1);
  const double size = std::min(std::abs(here), before + after);
  if (size < least_of_pattern || size < unusual_pattern * unit) return;
  found.push_back({.checkpoint = j,
                   .tensor = movers[t].name,
                   .file = movers[t].file[j],
                   .ratio = here,
                   .strength = size / unit});
}

}  // namespace

std::vector<Suspect> foreign_tensors(const KindRatios& ratios) {
  std::vector<Suspect> found;
  for (size_t j = 1; j + 1 < ratios.checkpoints(); ++j) {
    for (size_t t = 0; t < ratios.movers().size(); ++t) {
      const Mover& mover = ratios.movers()[t];
      const double residual = ratios.residual(t, j);
      if (!std::isfinite(residual)) {
        judge_pattern(ratios, t, j, found);
        continue;
      }
      const double unit = ratios.unit_of(t, j);
      if (std::abs(residual) < least_of_tensor || std::abs(residual) < unusual_tensor * unit) {
        continue;
      }
      found.push_back({.checkpoint = j,
                       .tensor = mover.name,
                       .file = mover.file[j],
                       .ratio = residual,
                       .strength = std::abs(residual) / unit});
    }
  }
  return found;
}

}  // namespace explaind
