#pragma once
// What a unit says of its samples, read whole: a number each.

#include <vector>

#include "verification/unit_pass.hpp"

namespace explaind {

/// S samples, O outputs.
struct UnitCertificates {
  std::vector<double> value_from, value_to, residual;                     ///< S O
  std::vector<double> error, nodes, tolerance_met, limited_by_precision;  ///< S
};

/// Only of a store that has all certificates.
UnitCertificates certificates_of(const StoreReader& store, const Unit& unit);

}  // namespace explaind
