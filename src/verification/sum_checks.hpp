#pragma once
// Sums that must hold in every committed unit: components and residual make F's change; scalars
// make their tensor.

#include <cstdint>

#include "verification/certificates_of.hpp"
#include "verification/check.hpp"
#include "verification/unit_pass.hpp"

namespace explaind {

/// How far rounding alone may move Σ psi from value_to − value_from − residual.
struct SumRounding {
  int64_t terms = 0;  ///< that were added up: components, positions, samples of a row
  int64_t steps = 1;  ///< added up in a segment
  double stored = 0;  ///< relative rounding of a score as it is stored: 0 for f64
  /// sizes: Σ |psi|; values: |value_from| + |value_to| + |residual|.
  [[nodiscard]] double allowed(double sizes, double values) const;
};

/// Names of a row of psi: a sample, a group, or all samples.
void check_changes(const StoreShape& shape, const Unit& unit, const UnitSums& sums,
                   const UnitCertificates& certificates, Check& check);

/// Σ over a tensor's scalars against psi of the tensor, and Σ |·| against psi_abs.
void check_scalars(const StoreReader& store, const StoreShape& shape, const Unit& unit,
                   const UnitSums& sums, Check& check);

}  // namespace explaind
