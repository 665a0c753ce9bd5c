#pragma once
// Tensors of one kind move alike: how a tensor's ratio differs from that of its kind, and how far
// such ratios differ anyway.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "doctor/segment_lengths.hpp"

namespace explaind {

/// 1.4826 times the median of sizes, which is a standard deviation where they are normal; NaN where
/// nothing is finite.
double robust_scale(const std::vector<double>& deviations);

/// Movers must outlive it. Checkpoints that are asked for have neighbours on both sides.
class KindRatios {
 public:
  /// `checkpoints`: how many there are.
  KindRatios(const std::vector<Mover>& movers, size_t checkpoints);

  [[nodiscard]] const std::vector<Mover>& movers() const { return movers_; }
  [[nodiscard]] size_t checkpoints() const { return count_; }
  /// Kind → numbers of movers.
  [[nodiscard]] const std::map<std::string, std::vector<size_t>>& kinds() const { return kinds_; }

  /// By how much a tensor's ratio at j is above that of its kind: of those in its file where there
  /// are three, else of all; NaN where fewer than three say anything.
  [[nodiscard]] double residual(size_t mover, size_t j) const { return residual_[mover][j]; }
  /// What a tensor differs from its kind by anyway, around j.
  [[nodiscard]] double unit_of(size_t mover, size_t j) const;
  /// How far tensors of one kind differ at j or beside it, inside the file or outside it: the
  /// largest of these. File −1: all are inside.
  [[nodiscard]] double scale(size_t j, int file) const;

 private:
  [[nodiscard]] std::vector<double> ratios(const std::vector<size_t>& of, size_t j, int file,
                                           bool inside) const;
  [[nodiscard]] double scale_at(size_t j, int file, bool inside) const;
  [[nodiscard]] double kind_scale(size_t mover, size_t j) const;
  [[nodiscard]] double own_scale(size_t mover, size_t j) const;
  [[nodiscard]] double layer_scale(size_t mover, size_t j) const;

  const std::vector<Mover>& movers_;
  size_t count_;
  std::map<std::string, std::vector<size_t>> kinds_;
  std::vector<std::vector<double>> residual_;
};

}  // namespace explaind
