#include "doctor/bent_files.hpp"

#include <algorithm>
#include <cmath>

#include "doctor/thresholds.hpp"

namespace explaind {
namespace {

/// NaN where a neighbour's ratio says nothing. Next to the ends there is but one.
double bend(const std::vector<double>& ratio, size_t j) {
  const size_t n = ratio.size();
  double around = 0;
  if (j > 1) around += ratio[j - 1];
  if (j + 2 < n) around += ratio[j + 1];
  if (j > 1 && j + 2 < n) around /= 2;
  return ratio[j] - around;
}

/// Bends at a checkpoint, of one kind: in the file and elsewhere.
struct Bends {
  std::vector<double> own, others;
};

std::vector<Bends> bends_of(const KindRatios& ratios, size_t j, int file) {
  std::vector<Bends> found;
  for (const auto& [kind, of] : ratios.kinds()) {
    Bends bends;
    for (const size_t t : of) {
      const Mover& mover = ratios.movers()[t];
      const double each = bend(mover.ratio, j);
      if (std::isfinite(each)) (mover.file[j] == file ? bends.own : bends.others).push_back(each);
    }
    found.push_back(bends);
  }
  return found;
}

/// By how much the file bends more than the others; NaN where kinds do not agree about it.
double contrast(const std::vector<Bends>& bends) {
  std::vector<double> differences;
  for (const Bends& each : bends) {
    if (each.own.empty() || each.others.empty()) continue;
    differences.push_back(median(each.own) - median(each.others));
  }
  if (differences.size() < fewest_kinds) return nothing;
  const double middle = median(differences);
  const auto agree = std::count_if(differences.begin(), differences.end(), [&](double each) {
    return each * middle > 0 && std::abs(each) > std::abs(middle) / 2;
  });
  const double share = static_cast<double>(agree) / static_cast<double>(differences.size());
  return share < agreeing_kinds ? nothing : middle;
}

/// How far tensors of one kind differ inside the file, and elsewhere: a foreign file does not
/// change that.
double scale_of(const std::vector<Bends>& bends) {
  std::vector<double> deviations;
  for (const Bends& each : bends) {
    for (const std::vector<double>* group : {&each.own, &each.others}) {
      const auto n = static_cast<double>(group->size());
      if (n < 2) continue;
      double mean = 0;
      for (const double value : *group) mean += value / n;
      for (const double value : *group) {
        deviations.push_back((value - mean) * std::sqrt(n / (n - 1)));
      }
    }
  }
  const double scale = robust_scale(deviations);
  return std::isfinite(scale) ? std::max(smallest_bend_scale, scale) : scale_of_few;
}

/// How far the file bends by itself, gaps between steps taken out: of two files of which each bends
/// against the other, it says which is the odd one.
double own_bend(const KindRatios& ratios, const std::vector<ExaminedCheckpoint>& checkpoints,
                size_t j, int file) {
  std::vector<double> gaps(checkpoints.size(), nothing);
  const auto gap = [&](size_t at) {
    const int64_t steps = checkpoints[at].step - checkpoints[at - 1].step;
    return std::log(static_cast<double>(std::max<int64_t>(1, steps)));
  };
  // Between a walk without direction (.5) and a straight line (1).
  for (size_t i = 1; i + 1 < gaps.size(); ++i) gaps[i] = .75 * (gap(i) - gap(i + 1));
  std::vector<double> own;
  for (const Mover& mover : ratios.movers()) {
    if (mover.file[j] == file) own.push_back(bend(mover.ratio, j) - bend(gaps, j));
  }
  const double size = std::abs(median(own));
  return std::isfinite(size) ? size : 0;
}

}  // namespace

std::vector<Suspect> bent_files(const KindRatios& ratios,
                                const std::vector<ExaminedCheckpoint>& checkpoints, int files) {
  std::vector<Suspect> found;
  for (size_t j = 1; j + 1 < checkpoints.size(); ++j) {
    for (int file = 0; file < files; ++file) {
      const std::vector<Bends> bends = bends_of(ratios, j, file);
      const double difference = contrast(bends), size = std::abs(difference);
      if (!(size >= least_bend) || size < unusual_bend * scale_of(bends)) continue;
      found.push_back({.checkpoint = j,
                       .tensor = "",
                       .file = file,
                       .ratio = difference,
                       .strength = size,
                       .jump = own_bend(ratios, checkpoints, j, file),
                       .reach = 2});
    }
  }
  return found;
}

}  // namespace explaind
