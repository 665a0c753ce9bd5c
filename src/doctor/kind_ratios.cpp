#include "doctor/kind_ratios.hpp"

#include <algorithm>
#include <cmath>

#include "doctor/thresholds.hpp"

namespace explaind {

double robust_scale(const std::vector<double>& deviations) {
  std::vector<double> sizes;
  for (const double each : deviations) sizes.push_back(std::abs(each));
  return 1.4826 * median(sizes);
}

KindRatios::KindRatios(const std::vector<Mover>& movers, size_t checkpoints)
    : movers_(movers), count_(checkpoints) {
  for (size_t t = 0; t < movers.size(); ++t) kinds_[movers[t].kind].push_back(t);
  residual_.assign(movers.size(), std::vector<double>(count_, nothing));
  for (size_t j = 0; j < count_; ++j) {
    for (const auto& [kind, of] : kinds_) {
      for (const size_t t : of) {
        std::vector<double> alike = ratios(of, j, movers_[t].file[j], true);
        if (alike.size() < 3) alike = ratios(of, j, -1, true);
        if (alike.size() >= 3) residual_[t][j] = movers_[t].ratio[j] - median(alike);
      }
    }
  }
}

/// What tensors say at j, inside a file or outside it.
std::vector<double> KindRatios::ratios(const std::vector<size_t>& of, size_t j, int file,
                                       bool inside) const {
  std::vector<double> found;
  for (const size_t t : of) {
    const Mover& mover = movers_[t];
    const bool is_inside = file < 0 || mover.file[j] == file;
    if (is_inside == inside && std::isfinite(mover.ratio[j])) found.push_back(mover.ratio[j]);
  }
  return found;
}

/// NaN where no kind has two.
double KindRatios::scale_at(size_t j, int file, bool inside) const {
  std::vector<double> deviations;
  for (const auto& [kind, of] : kinds_) {
    const std::vector<double> alike = ratios(of, j, file, inside);
    if (alike.size() < 2) continue;
    double mean = 0;
    for (const double each : alike) mean += each / static_cast<double>(alike.size());
    const auto n = static_cast<double>(alike.size());
    for (const double each : alike) {
      deviations.push_back((each - mean) * std::sqrt(n / (n - 1)));
    }
  }
  return robust_scale(deviations);
}

double KindRatios::scale(size_t j, int file) const {
  double most = nothing;
  for (size_t i = j - 1; i <= j + 1; ++i) {
    for (const bool inside : {true, false}) most = std::fmax(most, scale_at(i, file, inside));
  }
  return std::isfinite(most) ? std::max(smallest_scale, most) : scale_of_few;
}

/// How far the others of a tensor's kind differ from each other at j and beside it.
double KindRatios::kind_scale(size_t mover, size_t j) const {
  std::vector<double> others;
  for (const size_t other : kinds_.at(movers_[mover].kind)) {
    for (size_t i = j - 1; other != mover && i <= j + 1; ++i) {
      if (std::isfinite(residual_[other][i])) others.push_back(residual_[other][i]);
    }
  }
  return others.size() < 3 ? scale_of_few : robust_scale(others);
}

/// How far a tensor differs from its kind at other checkpoints than j and its neighbours.
double KindRatios::own_scale(size_t mover, size_t j) const {
  std::vector<double> elsewhere;
  for (size_t i = 0; i < count_; ++i) {
    if ((i + 1 < j || i > j + 1) && std::isfinite(residual_[mover][i])) {
      elsewhere.push_back(residual_[mover][i]);
    }
  }
  return elsewhere.size() < 3 ? scale_of_few : robust_scale(elsewhere);
}

/// How far the others of its layer differ from their kinds at j. What moves a layer's keys moves
/// its queries too; a tensor that was exchanged moves alone.
double KindRatios::layer_scale(size_t mover, size_t j) const {
  double most = 0;
  for (size_t other = 0; other < movers_.size() && !movers_[mover].layer.empty(); ++other) {
    if (other == mover || movers_[other].layer != movers_[mover].layer) continue;
    most = std::fmax(most, std::abs(residual_[other][j]));
  }
  return most / 2;
}

double KindRatios::unit_of(size_t mover, size_t j) const {
  return std::max({smallest_scale, kind_scale(mover, j), own_scale(mover, j), layer_scale(mover, j),
                   scale(j, movers_[mover].file[j]) / 2});
}

}  // namespace explaind
