// F of every cohort at both ends of every column of steps.

#include <limits>

#include "report/packed.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

/// A cohort's mean, or sum, of something of (segment, sample); NaN where one is missing.
double of_cohort(const ReportSource& source, const std::vector<double>& of_samples, size_t segment,
                 const Cohort& cohort) {
  double sum = 0;
  for (const size_t sample : cohort.samples) sum += of_samples[segment * source.samples() + sample];
  const bool mean = source.cohort_scores() == CohortScores::mean;
  return mean ? sum / static_cast<double>(cohort.samples.size()) : sum;
}

/// Columns × cohorts: what the column's segments changed, without what lies between them where some
/// were left out.
std::vector<double> changes(const ReportSource& source, const std::vector<double>& from,
                            const std::vector<double>& to) {
  std::vector<double> values;
  for (const StepColumn& column : source.columns()) {
    for (const Cohort& cohort : source.cohorts()) {
      double sum = 0;
      for (size_t segment = column.first; segment <= column.last; ++segment) {
        sum += of_cohort(source, to, segment, cohort) - of_cohort(source, from, segment, cohort);
      }
      values.push_back(sum);
    }
  }
  return values;
}

/// Columns × cohorts. at_start: of the column's first segment, else at the end of its last.
std::vector<double> values_of(const ReportSource& source, const std::vector<double>& of_samples,
                              bool at_start) {
  std::vector<double> values;
  for (const StepColumn& column : source.columns()) {
    const size_t segment = at_start ? column.first : column.last;
    for (const Cohort& cohort : source.cohorts()) {
      values.push_back(of_cohort(source, of_samples, segment, cohort));
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
          {"to", packed(shape, values_of(source, to, false))},
          {"change", packed(shape, changes(source, from, to))}};
}

}  // namespace explaind
