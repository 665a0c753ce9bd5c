// F of every cohort at both ends of every column of steps.

#include "report/cohort_values.hpp"
#include "report/packed.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

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

}  // namespace

nlohmann::json losses_section(const ReportSource& source) {
  const std::vector<double> from = source.per_sample("value_from"),
                            to = source.per_sample("value_to");
  if (from.empty() || to.empty()) return nullptr;
  const std::vector<size_t> shape{source.columns().size(), source.cohorts().size()};
  return {{"from", packed(shape, cohort_values(source, "value_from", ColumnEnd::start))},
          {"to", packed(shape, cohort_values(source, "value_to", ColumnEnd::end))},
          {"change", packed(shape, changes(source, from, to))}};
}

}  // namespace explaind
