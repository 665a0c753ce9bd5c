#pragma once
// Contributions of a store as trajectories: an array of segment, sample and part, of which nothing
// is missing.

#include <cstdint>
#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace explaind {

/// Most parts, and most numbers, that are compared with each other.
inline constexpr size_t most_parts = 1000;
inline constexpr size_t most_numbers = size_t{1} << 24U;

struct Trajectories {
  /// What stands on the axis `sample`: samples, means (or sums) of groups, or one row for all.
  enum class Rows { samples, groups, together };
  Rows rows = Rows::samples;
  std::vector<int64_t> step_from, step_to;  ///< per segment
  std::vector<std::string> ids, groups;     ///< per row
  std::vector<double> weights;              ///< per row, of means over rows; they add up to 1
  std::string part;                         ///< "component", "tensor", "layer" or "kind"
  std::vector<std::string> parts;
  size_t joined = 0;           ///< components, where they were joined to fewer parts; else 0
  std::vector<double> values;  ///< segment, row, part; row-major
  std::string unit;
  bool helps_negative = true;  ///< F is a loss: what lowers it helps
  std::vector<std::string> notes;

  [[nodiscard]] size_t segments() const { return step_to.size(); }
  [[nodiscard]] double at(size_t segment, size_t row, size_t p) const {
    return values[(segment * ids.size() + row) * parts.size() + p];
  }
  /// Weighted means over rows: segment, part.
  [[nodiscard]] std::vector<double> means() const;
  /// Why what needs samples cannot be asked, in a line; empty where there are `least` samples.
  [[nodiscard]] std::string without_samples(size_t least) const;
};

/// Reads psi by one coordinate of its components; "component": of the tensors, layers or kinds that
/// they are joined to where there are more than most_parts, or more than most_numbers in all.
///
/// Left out are segments of which more than half of the rows are missing, then rows of which any of
/// the remaining segments is; missing is what is not committed or not a finite number. Notes say
/// what was left out, and how many pairs are flagged. Throws UsageError for a selection that does
/// not fit, DataError for the file and where nothing remains.
Trajectories read_trajectories(const StoreReader& store, const std::string& part,
                               const std::vector<std::string>& select);

/// Whether what lowers F helps, as the functional's name says.
bool lower_is_better(const StoreReader& store);

/// What queries of psi have to select besides, where it has an axis of outputs that the user left
/// open: the first.
std::vector<std::string> with_one_output(const StoreReader& store, std::vector<std::string> select);

}  // namespace explaind
