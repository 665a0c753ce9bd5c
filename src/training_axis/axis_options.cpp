#include "training_axis/axis_options.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace explaind {

int64_t AxisOptions::end(const RecordedRun& run) const {
  const int64_t resolved = last < 0 ? run.steps() : last;
  if (first < 0 || first >= resolved || resolved > run.steps()) {
    throw UsageError(
        "steps",
        fmt::format("{} to {} are not steps of a run of {}", first, resolved - 1, run.steps()),
        "Choose the first below the last, within the run");
  }
  return resolved;
}

}  // namespace explaind
