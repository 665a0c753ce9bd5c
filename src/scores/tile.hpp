#pragma once
// Plain data between decomposition and store: the axes of a run, its units, and the tile that one
// unit becomes.

#include <cstdint>
#include <string>
#include <vector>

#include "scores/part.hpp"

namespace explaind {

/// The axes that are kept besides `segment` and `component`; every other axis is summed before
/// anything is stored.
struct Axes {
  bool sample = true;
  bool group = false;  ///< in place of `sample`
  bool position = false;
  bool output = false;        ///< outputs of the model: F is one number for each
  bool train_sample = false;  ///< of psi_data
  bool train_group = false;   ///< of psi_data, in place of `train_sample`
};

/// Parses a comma list of: segment, sample, group, position, component, output, train_sample,
/// train_group ("" or "segment": all summed). Throws UsageError for other words, and for an axis
/// together with the groups of the same.
Axes parse_axes(const std::string& list);

enum class GroupReduce { mean, sum };

/// One unit of work: a segment and a run of samples, computed whole by one segment group.
struct Unit {
  int64_t index = 0;
  int64_t segment = 0;
  int64_t sample_begin = 0, sample_end = 0;
};

/// Units of a run in order: segments outermost, chunks of `chunk` samples within; where the sample
/// axis is not kept a unit is the whole segment (its tile then has one owner).
class UnitGrid {
 public:
  UnitGrid() = default;
  UnitGrid(int64_t segments, int64_t samples, int64_t chunk, bool keep_sample);
  [[nodiscard]] int64_t size() const { return segments_ * per_segment_; }
  [[nodiscard]] int64_t per_segment() const { return per_segment_; }
  [[nodiscard]] Unit unit(int64_t index) const;

 private:
  int64_t segments_ = 0, samples_ = 0, chunk_ = 1, per_segment_ = 0;
};

/// Rows [first, last).
struct RowRange {
  int64_t first = 0, last = 0;
  bool operator==(const RowRange&) const = default;
};

/// What one unit leaves. S = samples of the unit; R = rows of psi's sample-like axis: S where
/// `sample` is kept, the number of groups where `group` is, else 1; P = positions of the run where
/// `position` is kept, else 1; C = components; K = training samples or groups where one of these
/// axes is kept, else 1; O = outputs where `output` is kept, else 1. All scores: signed
/// contribution to the change of F, in F's unit.
///
/// The ranks of a segment group each hold some rows of the scores, every row on one rank;
/// everything else is the same on all of them.
struct ScoreTile {
  Unit unit;
  std::vector<RowRange> held;   ///< the rows of the scores that are here, ascending
  std::vector<double> psi;      ///< R P C O, O fastest; of `held`, end to end
  std::vector<double> psi_abs;  ///< where scores of scalars are kept: Σ|·| over a tensor's; as psi
  std::vector<double> balance;    ///< where decay is told apart for scalars: D(c); as psi
  std::vector<PartScores> parts;  ///< those that the run keeps, as psi; data R P C K O
  std::vector<double> value_from, value_to, residual;        ///< S O
  std::vector<double> quadrature_error;                      ///< S; NaN for fixed rules
  std::vector<int32_t> node_count;                           ///< S; gradient evaluations spent
  std::vector<uint8_t> tolerance_met, limited_by_precision;  ///< S
  double seconds = 0;                                        ///< wall time of the unit
};

}  // namespace explaind
