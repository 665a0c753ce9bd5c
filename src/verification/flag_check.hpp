#pragma once
// A pair is flagged exactly when its certificate misses its tolerance (method.md §4).

#include <vector>

#include "quadrature/options.hpp"
#include "verification/certificates_of.hpp"
#include "verification/check.hpp"

namespace explaind {

/// Of one (segment, sample) pair, O outputs.
struct PairCertificate {
  std::vector<double> change, residual;  ///< O: value_to − value_from, and what is left of it
  /// O: Σ over tensors of |psi|, where tolerances are relative to it.
  std::vector<double> gross;
  double error = 0;  ///< the worst output's
  double nodes = 0;  ///< 0: nothing moved, and nothing was integrated
};

/// What certificates say of the flag tolerance_met. `either` where they are so near the tolerance,
/// or so summed up over outputs, that both may be.
enum class FlagExpected { met, missed, either };
FlagExpected expected_flag(const PairCertificate& pair, const QuadratureOptions& options);

/// gross: of the unit, S O; empty where tolerances are relative to |ΔF|.
void check_flags(const StoreShape& shape, const QuadratureOptions& options, const Unit& unit,
                 const UnitCertificates& certificates, const std::vector<double>& gross,
                 Check& check);

}  // namespace explaind
