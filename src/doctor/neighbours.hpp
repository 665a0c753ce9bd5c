#pragma once
// How the ways of tensors and files into a checkpoint and out of it compare with those of others.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "doctor/segment_lengths.hpp"
#include "doctor/thresholds.hpp"

namespace explaind {

/// Something out of line at a checkpoint, before what explains what is sorted out.
struct Suspect {
  size_t checkpoint;
  std::string tensor;  ///< or
  int file = -1;       ///< a file's number
  bool back = false;   ///< it turned back
  double ratio = 0;    ///< by how much its way in is longer against its way out than others'
  double strength = 0;
  double jump = 0;  ///< of a file, where two have the same strength
};

inline bool near(size_t a, size_t b) { return a <= b + 1 && b <= a + 1; }

inline double robust_scale(const std::vector<double>& deviations) {
  std::vector<double> sizes;
  for (const double each : deviations) sizes.push_back(std::abs(each));
  return 1.4826 * median(sizes);
}

/// movers and checkpoints must outlive it.
class Neighbours {
 public:
  Neighbours(const std::vector<Mover>& movers, const std::vector<ExaminedCheckpoint>& checkpoints,
             size_t files)
      : movers_(movers),
        checkpoints_(checkpoints),
        count_(checkpoints.size()),
        files_(static_cast<int>(files)) {
    for (size_t t = 0; t < movers.size(); ++t) kinds_[movers[t].kind].push_back(t);
    residual_.assign(movers.size(), std::vector<double>(count_, nothing));
    for (size_t j = 0; j < count_; ++j) form_residuals(j);
  }

  [[nodiscard]] std::vector<Suspect> suspects() const {
    std::vector<Suspect> found;
    for (size_t j = 1; j + 1 < count_; ++j) {
      judge_files(j, found);
      judge_tensors(j, found);
      judge_turns(j, found);
    }
    return found;
  }
  /// Checkpoints that turn back as a whole, and none beside another: the way back may turn into the
  /// next as sharply, but only at the foreign one are both ways long.
  [[nodiscard]] std::vector<size_t> turning() const {
    std::vector<std::pair<double, size_t>> sharp;
    for (size_t j = 1; j + 1 < count_; ++j) {
      std::vector<double> cosines;
      double turn = 0;
      for (const Mover& mover : movers_) {
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

  /// Which checkpoint a suspect is of: the one without which its ways are in line with the others'.
  /// Several where that does not decide, none where no one's absence changes much.
  [[nodiscard]] std::vector<size_t> places(const Suspect& suspect) const {
    std::vector<std::pair<double, size_t>> rough;
    for (size_t j = suspect.checkpoint - 1; j <= suspect.checkpoint + 1; ++j) {
      rough.emplace_back(roughness_without(suspect, j), j);
    }
    std::sort(rough.begin(), rough.end());
    std::vector<size_t> found;
    const double with_all = roughness_without(suspect, count_);
    if (rough.front().first > smoothed * with_all) return found;
    for (const auto& [roughness, j] : rough) {
      if (roughness <= rough.front().first + .15) found.push_back(j);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  /// Rounding of the stored type does not decide its direction.
  static bool moved_all(const Mover& mover, size_t j) {
    return mover.share[j] > .9 && mover.share[j + 1] > .9 && std::isfinite(mover.cosine[j]);
  }

  /// What tensors say at j, inside a file or outside it; file −1: inside is everywhere.
  [[nodiscard]] std::vector<double> ratios(const std::vector<size_t>& of, size_t j, int file,
                                           bool inside) const {
    std::vector<double> found;
    for (const size_t t : of) {
      const Mover& mover = movers_[t];
      const bool is_inside = file < 0 || mover.file[j] == file;
      if (is_inside == inside && std::isfinite(mover.ratio[j])) found.push_back(mover.ratio[j]);
    }
    return found;
  }

  /// Against tensors of its kind, which move alike: those of its file where there are three, else
  /// all.
  void form_residuals(size_t j) {
    for (const auto& [kind, of] : kinds_) {
      for (const size_t t : of) {
        std::vector<double> alike = ratios(of, j, movers_[t].file[j], true);
        if (alike.size() < 3) alike = ratios(of, j, -1, true);
        if (alike.size() >= 3) residual_[t][j] = movers_[t].ratio[j] - median(alike);
      }
    }
  }

  /// How far tensors of one kind differ at j, inside a file or outside it; NaN where no kind has
  /// two.
  [[nodiscard]] double scale_at(size_t j, int file, bool inside) const {
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
    return deviations.empty() ? nothing : robust_scale(deviations);
  }
  /// The largest at j and beside it, inside the file or outside it; what is not known is none.
  [[nodiscard]] double scale(size_t j, int file) const {
    double most = nothing;
    for (size_t i = j - 1; i <= j + 1; ++i) {
      for (const bool inside : {true, false}) most = std::fmax(most, scale_at(i, file, inside));
    }
    return std::isfinite(most) ? std::max(smallest_scale, most) : scale_of_few;
  }

  /// How far the others of a tensor's kind differ from each other at j and beside it.
  [[nodiscard]] double kind_scale(size_t t, size_t j) const {
    std::vector<double> others;
    for (const size_t other : kinds_.at(movers_[t].kind)) {
      for (size_t i = j - 1; other != t && i <= j + 1; ++i) {
        if (std::isfinite(residual_[other][i])) others.push_back(residual_[other][i]);
      }
    }
    return others.size() < 3 ? scale_of_few : robust_scale(others);
  }

  /// How far a tensor differs from its kind at other checkpoints than j and its neighbours.
  [[nodiscard]] double own_scale(size_t t, size_t j) const {
    std::vector<double> elsewhere;
    for (size_t i = 0; i < count_; ++i) {
      if ((i + 1 < j || i > j + 1) && std::isfinite(residual_[t][i])) {
        elsewhere.push_back(residual_[t][i]);
      }
    }
    return elsewhere.size() < 3 ? scale_of_few : robust_scale(elsewhere);
  }

  /// What a tensor differs by anyway.
  [[nodiscard]] double unit_of(size_t t, size_t j) const {
    return std::max(
        {smallest_scale, kind_scale(t, j), own_scale(t, j), scale(j, movers_[t].file[j]) / 2});
  }

  /// A file's tensors against those of the same kinds in the other files; NaN where kinds do not
  /// agree about it.
  [[nodiscard]] double contrast(size_t j, int file) const {
    std::vector<double> differences;
    for (const auto& [kind, of] : kinds_) {
      const double here = median(ratios(of, j, file, true)),
                   there = median(ratios(of, j, file, false));
      if (std::isfinite(here) && std::isfinite(there)) differences.push_back(here - there);
    }
    if (differences.size() < 3) return nothing;
    const double middle = median(differences);
    const auto agree = std::count_if(differences.begin(), differences.end(), [&](double each) {
      return each * middle > 0 && std::abs(each) > std::abs(middle) / 2;
    });
    return static_cast<double>(agree) < .75 * static_cast<double>(differences.size()) ? nothing
                                                                                      : middle;
  }

  /// How far a file's own ratio at j is from what it is near j, gaps between steps taken out. Of
  /// two files whose contrast is the same it says which is the odd one.
  [[nodiscard]] double jump(size_t j, int file) const {
    const auto ratio_at = [&](size_t i) {
      if (i == 0 || i + 1 >= count_) return nothing;
      std::vector<double> own;
      for (const Mover& mover : movers_) {
        if (mover.file[i] == file) own.push_back(mover.ratio[i]);
      }
      const auto gap = [&](size_t at) {
        const int64_t steps = checkpoints_[at].step - checkpoints_[at - 1].step;
        return static_cast<double>(std::max<int64_t>(1, steps));
      };
      // Between a walk without direction (.5) and a straight line (1).
      return median(own) - .75 * std::log(gap(i) / gap(i + 1));
    };
    std::vector<double> near;
    for (size_t i = j > 3 ? j - 3 : 1; i <= j + 3; ++i) {
      if (i + 1 < j || i > j + 1) near.push_back(ratio_at(i));
    }
    const double usual = median(near),
                 size = std::abs(ratio_at(j) - (std::isfinite(usual) ? usual : 0));
    return std::isfinite(size) ? size : 0;
  }

  void judge_files(size_t j, std::vector<Suspect>& found) const {
    for (int file = 0; file < files_; ++file) {
      const double difference = contrast(j, file), size = std::abs(difference);
      if (!(size >= least_of_file) || size < unusual_file * scale(j, file)) continue;
      found.push_back({.checkpoint = j,
                       .tensor = "",
                       .file = file,
                       .ratio = difference,
                       .strength = size,
                       .jump = jump(j, file)});
    }
  }

  void judge_tensors(size_t j, std::vector<Suspect>& found) const {
    for (size_t t = 0; t < movers_.size(); ++t) {
      const double residual = residual_[t][j];
      if (!std::isfinite(residual)) {
        judge_pattern(t, j, found);
        continue;
      }
      const double unit = unit_of(t, j);
      if (std::abs(residual) < least_of_tensor || std::abs(residual) < unusual_tensor * unit) {
        continue;
      }
      found.push_back({.checkpoint = j,
                       .tensor = movers_[t].name,
                       .file = movers_[t].file[j],
                       .ratio = residual,
                       .strength = std::abs(residual) / unit});
    }
  }

  /// How long a way is, as a logarithm: into `to` from the checkpoint before, or, past a checkpoint
  /// that is left out, from the one before that.
  static double log_length(const Mover& mover, size_t to, bool past) {
    const double last = mover.length[to];
    if (!past) return last > 0 ? std::log(last) : nothing;
    const double first = mover.length[to - 1];
    const double turn =
        std::isfinite(mover.cosine[to - 1]) ? mover.cosine[to - 1] * first * last : 0;
    const double square = first * first + last * last + 2 * turn;
    return square > 0 ? std::log(square) / 2 : nothing;
  }

  /// How the suspect's way differs from that of the others of its kinds.
  [[nodiscard]] double excess(const Suspect& suspect, size_t to, bool past) const {
    const auto is_own = [&](const Mover& mover) {
      return suspect.tensor.empty() ? mover.file[to] == suspect.file : mover.name == suspect.tensor;
    };
    std::vector<double> differences, all;
    for (const auto& [kind, of] : kinds_) {
      std::vector<double> own, others;
      for (const size_t t : of) {
        const double length = log_length(movers_[t], to, past);
        (is_own(movers_[t]) ? own : others).push_back(length);
        all.push_back(length);
      }
      differences.push_back(median(own) - median(others));
    }
    const double difference = median(differences);
    if (std::isfinite(difference) || suspect.tensor.empty()) return difference;
    const auto own = std::find_if(movers_.begin(), movers_.end(), is_own);
    return log_length(*own, to, past) - median(all);
  }

  /// The largest step between neighbouring excesses around the suspect, where checkpoint `out` is
  /// left out.
  [[nodiscard]] double roughness_without(const Suspect& suspect, size_t out) const {
    std::vector<double> row;
    const size_t last = std::min(count_ - 1, suspect.checkpoint + 3);
    for (size_t to = suspect.checkpoint > 2 ? suspect.checkpoint - 2 : 1; to <= last; ++to) {
      if (to == out || (out == 0 && to == 1)) continue;
      row.push_back(excess(suspect, to, out > 0 && to == out + 1));
    }
    std::erase_if(row, [](double value) { return !std::isfinite(value); });
    double most = 0;
    for (size_t i = 1; i < row.size(); ++i) most = std::max(most, std::abs(row[i] - row[i - 1]));
    return most;
  }

  /// One that has hardly any of its kind: its ratio against all tensors' must jump at j, and the
  /// other way at both neighbours, as a foreign tensor makes it and a trend does not.
  void judge_pattern(size_t t, size_t j, std::vector<Suspect>& found) const {
    const auto against_all = [&](size_t i) {
      std::vector<double> all;
      for (const Mover& mover : movers_) all.push_back(mover.ratio[i]);
      return movers_[t].ratio[i] - median(all);
    };
    if (j < 2 || j + 2 >= count_) return;
    std::vector<double> near;
    for (const std::ptrdiff_t off : {-3, -2, 2, 3}) {
      const std::ptrdiff_t i = static_cast<std::ptrdiff_t>(j) + off;
      if (i >= 0 && i < static_cast<std::ptrdiff_t>(count_)) {
        near.push_back(against_all(static_cast<size_t>(i)));
      }
    }
    std::erase_if(near, [](double value) { return !std::isfinite(value); });
    if (near.size() < 2) return;
    const double usual = median(near);
    const double here = against_all(j) - usual;
    const double sign = here > 0 ? 1 : -1;
    const double before = -sign * (against_all(j - 1) - usual);
    const double after = -sign * (against_all(j + 1) - usual);
    if (!(before > 0) || !(after > 0)) return;
    const double unit = scale(j, -1);
    const double size = std::min(std::abs(here), before + after);
    if (size < least_of_pattern || size < unusual_pattern * unit) return;
    found.push_back({.checkpoint = j,
                     .tensor = movers_[t].name,
                     .file = movers_[t].file[j],
                     .ratio = here,
                     .strength = size / unit});
  }

  /// By how much the ways in and out are longer than those before and after; 0 where none are
  /// known.
  [[nodiscard]] double detour(const Suspect& suspect) const {
    const size_t j = suspect.checkpoint;
    std::vector<double> around;
    for (size_t to = j > 2 ? j - 2 : 1; to <= std::min(count_ - 1, j + 3); ++to) {
      if (to != j && to != j + 1) around.push_back(excess(suspect, to, false));
    }
    const double usual = median(around);
    const double found = excess(suspect, j, false) + excess(suspect, j + 1, false) - 2 * usual;
    return std::isfinite(found) ? found : 0;
  }

  void judge_turns(size_t j, std::vector<Suspect>& found) const {
    std::vector<double> all;
    std::map<int, std::vector<double>> of_file;
    for (const Mover& mover : movers_) {
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
      if (detour(suspect) > least_detour) found.push_back(suspect);
    }
    const double usual = median(all);
    for (size_t t = 0; t < movers_.size(); ++t) {
      const Mover& mover = movers_[t];
      if (!moved_all(mover, j) || mover.cosine[j] > turned ||
          usual - mover.cosine[j] < turned_more) {
        continue;
      }
      const Suspect suspect{.checkpoint = j,
                            .tensor = mover.name,
                            .file = mover.file[j],
                            .back = true,
                            .strength = 10 * (1 - mover.cosine[j])};
      if (detour(suspect) > std::max(least_detour, unusual_detour * unit_of(t, j)))
        found.push_back(suspect);
    }
  }

  const std::vector<Mover>& movers_;
  const std::vector<ExaminedCheckpoint>& checkpoints_;
  size_t count_;
  int files_;
  std::map<std::string, std::vector<size_t>> kinds_;  ///< kind → tensors
  std::vector<std::vector<double>> residual_;  ///< per tensor and checkpoint: against its kind
};

}  // namespace explaind
