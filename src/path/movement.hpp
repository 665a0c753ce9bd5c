#pragma once
// Which parameters a segment moves.

#include <cstdint>
#include <vector>

#include "path/trajectory.hpp"

namespace explaind {

/// Compares the stored bytes of both ends, each parameter when it is first asked for: most differ
/// in their first bytes. What is stored in two types, or is made of directions, counts as moving.
class Movement {
 public:
  /// trajectory must outlive this.
  Movement(const Trajectory& trajectory, size_t parameters)
      : trajectory_(trajectory), found_(parameters, Found::unknown) {}

  /// Forgets what was found of another segment.
  void load(int64_t segment);
  [[nodiscard]] bool of(ParameterId parameter);
  /// Whether any parameter moves.
  [[nodiscard]] bool at_all();

 private:
  enum class Found : char { unknown, still, moves };
  const Trajectory& trajectory_;
  int64_t segment_ = -1;
  std::vector<Found> found_;  ///< per parameter
};

}  // namespace explaind
