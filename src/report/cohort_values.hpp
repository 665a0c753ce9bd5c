#pragma once
// A value of (segment, sample), such as F, as curves over the columns of a page.

#include <string>
#include <vector>

#include "report/report_source.hpp"

namespace explaind {

enum class ColumnEnd { start, end };

/// A cohort's mean, or sum, of something of (segment, sample); NaN where one is missing.
double of_cohort(const ReportSource& source, const std::vector<double>& of_samples, size_t segment,
                 const Cohort& cohort);

/// Columns × cohorts of a variable: of a column's first segment or of its last. Empty where the
/// store has none of that name.
std::vector<double> cohort_values(const ReportSource& source, const std::string& variable,
                                  ColumnEnd end);

}  // namespace explaind
