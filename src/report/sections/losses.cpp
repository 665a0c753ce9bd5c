// F of every cohort at both ends of every column of steps.

#include <limits>

#include "report/packed.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

/// Columns × cohorts. at_start: of the column's first segment, else at the end of its last.
std::vector<double> values_of(const ReportSource& source, const std::vector<double>& of_samples,
                              bool at_start) {
  std::vector<double> values;
  for (const StepColumn& column : source.columns()) {
    const size_t segment = at_start ? column.first : column.last;
    for (const Cohort& cohort : source.cohorts()) {
      double sum = 0;
      for (const size_t sample : cohort.samples) {
        sum += of_samples[segment * source.samples() + sample];  // NaN where one is missing
      }
      const bool mean = source.cohort_scores() == CohortScores::mean;
      values.push_back(mean ? sum / static_cast<double>(cohort.samples.size()) : sum);
    }
  }
  return values;
}

}  // namespace

nlohmann::json losses_section(const ReportSource& source) {
  const std::vector<double> from = source.per_sample("value_from"),
                            to = source.per_sample("value_to");
  if (from.empty() || to.empty()) return nullptr;
  const std::vector<size_t> shape{source.columns().size(), source.cohorts().size()};
  return {{"from", packed(shape, values_of(source, from, true))},
          {"to", packed(shape, values_of(source, to, false))}};
}

}  // namespace explaind
