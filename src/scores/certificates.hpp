#pragma once
// What a unit says of every sample besides its scores: F at both ends, and how well its change was
// integrated. One row a variable; tile, layout, writer, checksum and queries follow from the table.

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "scores/tile.hpp"

namespace explaind {

/// One variable of the store, and where a tile has it. The member's type is the one stored: f64,
/// i32 or i8.
struct Certificate {
  /// What becomes of it where segments are added up.
  enum class Nature {
    value,     ///< F at an end: no sum
    part,      ///< of a whole
    estimate,  ///< of an error
    count      ///< and flags
  };
  using Member = std::variant<std::vector<double> ScoreTile::*, std::vector<int32_t> ScoreTile::*,
                              std::vector<uint8_t> ScoreTile::*>;

  const char* name;
  Member of_tile;
  bool per_output;  ///< S O; else S
  int begins;       ///< with this, before anything is certified
  Nature nature;
  const char* long_name;
  const char* unit;  ///< null: F's own
};

/// In the order of the store and of a unit's checksum.
inline const std::array<Certificate, 7>& certificates() {
  using Nature = Certificate::Nature;
  static const std::array<Certificate, 7> all{{
      {"value_from", &ScoreTile::value_from, true, 0, Nature::value, "F at the segment's start",
       nullptr},
      {"value_to", &ScoreTile::value_to, true, 0, Nature::value, "F at the segment's end", nullptr},
      {"residual", &ScoreTile::residual, true, 0, Nature::part,
       "completeness residual: value_to - value_from - sum of psi", nullptr},
      {"quadrature_error", &ScoreTile::quadrature_error, false, 0, Nature::estimate,
       "estimated quadrature error, largest over tensors", nullptr},
      {"node_count", &ScoreTile::node_count, false, 0, Nature::count, "gradient evaluations spent",
       "1"},
      {"tolerance_met", &ScoreTile::tolerance_met, false, 1, Nature::count,
       "1: residual and error met the tolerance", "1"},
      {"limited_by_precision", &ScoreTile::limited_by_precision, false, 0, Nature::count,
       "1: refinement ended at the rounding floor", "1"},
  }};
  return all;
}

/// Bytes of a sample's certificates in a store, and in a tile.
int64_t certificate_bytes(int64_t outputs);

/// Begins the certificates of so many samples and outputs: no values yet, all tolerances met.
void begin_certificates(int64_t samples, int64_t outputs, ScoreTile& tile);

}  // namespace explaind
