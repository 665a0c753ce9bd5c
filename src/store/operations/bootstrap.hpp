#pragma once
// Percentile intervals of means over samples: how far they would move if other samples had been
// drawn.

#include <vector>

#include "store/query.hpp"
#include "store/query_axes.hpp"
#include "store/score_walk.hpp"

namespace explaind {

/// The share of drawings inside an interval: 95 %, from the 2.5th to the 97.5th percentile.
inline constexpr double interval_share = 0.95;

/// Means of samples that are drawn anew with replacement, as many as there are: N drawings, each
/// with the cells of fold(cells, axis, samples).
///
/// Cells of the same samples share their drawings, so that what is formed of several rows, or of
/// two selections of the same samples, is formed within each drawing. The drawings of n samples
/// come from SplitMix64, begun at FNV-1a (64 bits) of their ids, each followed by a NUL, exclusive
/// or the seed: n numbers a drawing, of which the i-th sample that is drawn is ⌊n (x >> 11) 2⁻⁵³⌋.
std::vector<std::vector<double>> drawn_means(const Cells& cells, size_t axis,
                                             const QueryAxis& samples,
                                             const Resampling& resampling);

/// Takes the drawings of every row to its interval; percentiles are interpolated between the sorted
/// values, as NumPy does. NaN where the value or a drawing is NaN.
void to_intervals(QueryResult& result, const Resampling& resampling);

}  // namespace explaind
