#pragma once
// How the ways of a suspect differ from those of others of its kinds, and at which checkpoint that
// begins to make sense.

#include <cstddef>
#include <vector>

#include "doctor/kind_ratios.hpp"
#include "doctor/suspect.hpp"

namespace explaind {

/// The ratios must outlive it. All lengths are logarithms.
class ExcessLengths {
 public:
  explicit ExcessLengths(const KindRatios& ratios) : ratios_(ratios) {}

  /// Which checkpoint a suspect is of: the one without which its ways are in line with the others'.
  /// Several where that does not decide, none where no one's absence changes much.
  [[nodiscard]] std::vector<size_t> places(const Suspect& suspect) const;
  /// By how much the ways in and out are longer than those before and after; 0 where none are
  /// known.
  [[nodiscard]] double detour(const Suspect& suspect) const;

 private:
  [[nodiscard]] double excess(const Suspect& suspect, size_t to, bool past) const;
  [[nodiscard]] double roughness_without(const Suspect& suspect, size_t out) const;

  const KindRatios& ratios_;
};

}  // namespace explaind
