#include "report/cohort_values.hpp"

namespace explaind {

double of_cohort(const ReportSource& source, const std::vector<double>& of_samples, size_t segment,
                 const Cohort& cohort) {
  double sum = 0;
  for (const size_t sample : cohort.samples) sum += of_samples[segment * source.samples() + sample];
  const bool mean = source.cohort_scores() == CohortScores::mean;
  return mean ? sum / static_cast<double>(cohort.samples.size()) : sum;
}

std::vector<double> cohort_values(const ReportSource& source, const std::string& variable,
                                  ColumnEnd end) {
  const std::vector<double> of_samples = source.per_sample(variable);
  if (of_samples.empty()) return {};
  std::vector<double> values;
  for (const StepColumn& column : source.columns()) {
    const size_t segment = end == ColumnEnd::start ? column.first : column.last;
    for (const Cohort& cohort : source.cohorts()) {
      values.push_back(of_cohort(source, of_samples, segment, cohort));
    }
  }
  return values;
}

}  // namespace explaind
