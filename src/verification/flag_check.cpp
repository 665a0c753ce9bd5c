#include "verification/flag_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace explaind {
namespace {

/// A tolerance is stored with six digits, and residuals are summed in another order.
constexpr double near_tolerance = 2e-5;

struct Bounds {
  bool surely_within = true, surely_beyond = false;
  void compare(double value, double tolerance, double rounding) {
    const double slack = near_tolerance * tolerance + rounding;
    surely_within = surely_within && value <= tolerance - slack;
    surely_beyond = surely_beyond || !(value <= tolerance + slack);
  }
};

}  // namespace

FlagExpected expected_flag(const PairCertificate& pair, const QuadratureOptions& options) {
  if (std::isnan(pair.error)) return FlagExpected::missed;  // no estimate, or values not finite
  if (pair.nodes == 0) return FlagExpected::met;
  Bounds residuals;
  double least = 0, most = 0;  // tolerances
  for (size_t output = 0; output < pair.change.size(); ++output) {
    const double scale =
        options.relative_to_gross ? pair.gross.at(output) : std::abs(pair.change[output]);
    const double tolerance = options.relative * scale + options.absolute;
    residuals.compare(std::abs(pair.residual[output]), tolerance,
                      1e-12 * (scale + std::abs(pair.change[output])));
    least = output == 0 ? tolerance : std::min(least, tolerance);
    most = std::max(most, tolerance);
  }
  // The error is the worst output's, whose tolerance may be any.
  if (residuals.surely_beyond || !(pair.error <= most * (1 + near_tolerance)))
    return FlagExpected::missed;
  if (residuals.surely_within && pair.error <= least * (1 - near_tolerance))
    return FlagExpected::met;
  return FlagExpected::either;
}

void check_flags(const StoreShape& shape, const QuadratureOptions& options, const Unit& unit,
                 const UnitCertificates& certificates, const std::vector<double>& gross,
                 Check& check) {
  const auto outputs = static_cast<size_t>(shape.outputs);
  for (int64_t sample = unit.sample_begin; sample < unit.sample_end; ++sample) {
    const auto at = static_cast<size_t>(sample - unit.sample_begin);
    PairCertificate pair{.change = {},
                         .residual = {},
                         .gross = {},
                         .error = certificates.error[at],
                         .nodes = certificates.nodes[at]};
    for (size_t i = at * outputs; i < (at + 1) * outputs; ++i) {
      pair.change.push_back(certificates.value_to[i] - certificates.value_from[i]);
      pair.residual.push_back(certificates.residual[i]);
      if (!gross.empty()) pair.gross.push_back(gross[i]);
    }
    const double met = certificates.tolerance_met[at];
    const double limited = certificates.limited_by_precision[at];
    ++check.checked;
    const FlagExpected expected = expected_flag(pair, options);
    const std::string where = shape.name_of(unit.segment, sample);
    if ((met != 0 && met != 1) || (limited != 0 && limited != 1)) {
      check.fail(fmt::format("{}: a flag is {}, and neither 0 nor 1", where,
                             met != 0 && met != 1 ? met : limited));
    } else if (met == 1 && expected == FlagExpected::missed) {
      check.fail(fmt::format(
          "{}: not flagged, though its certificate misses the tolerance (residual {:.3g}, error "
          "{:.3g}, change of F {:.3g})",
          where, pair.residual.front(), pair.error, pair.change.front()));
    } else if (met == 0 && expected == FlagExpected::met) {
      check.fail(fmt::format(
          "{}: flagged, though its certificate meets the tolerance (residual {:.3g}, error {:.3g}, "
          "change of F {:.3g})",
          where, pair.residual.front(), pair.error, pair.change.front()));
    } else if (met == 1 && limited == 1) {
      check.fail(where + ": said to meet the tolerance and to be limited by precision");
    }
  }
}

}  // namespace explaind
