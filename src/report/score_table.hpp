#pragma once
// Scores of a store as an array that plots are made of: columns of steps × cohorts × parts.

#include <string>
#include <vector>

#include "report/report_source.hpp"

namespace explaind {

struct ScoreRequest {
  std::string variable = "psi";
  std::vector<std::string> parts;  ///< coordinates of one axis; what they tell apart is a part
  bool steps = true;               ///< by columns of steps; else the sum over what is complete
  bool cohorts = false;            ///< those told apart; else all samples together
  std::vector<std::string> select = {};  ///< as `query --select` has it
  bool share_heads = false;              ///< key-value heads among their query heads
};

struct ScoreTable {
  size_t steps = 1, cohorts = 1;
  std::vector<std::vector<std::string>> parts;  ///< per part: a text for each coordinate
  std::vector<double> values;  ///< steps × cohorts × parts, NaN where something is missing

  [[nodiscard]] double at(size_t step, size_t cohort, size_t part) const {
    return values[(step * cohorts + cohort) * parts.size() + part];
  }
};

/// One pass over the variable. Cohorts: all samples alone, or those after it in
/// ReportSource::cohorts(). Segments of a column are added; a column of which a unit is missing is
/// NaN. Means and sums are those of `explaind query`.
ScoreTable read_scores(const ReportSource& source, const ScoreRequest& request);

}  // namespace explaind
