#pragma once
// What decompose prints at the end, read from the store itself.

#include <cstdint>
#include <ostream>

#include "store/store_reader.hpp"

namespace explaind {

/// How many (segment, sample) pairs did not meet the tolerance, and why.
struct Certificates {
  int64_t pairs = 0, missed = 0, limited = 0;
};

/// Prints, per segment: mean ΔF, largest |residual| and quadrature error, evaluations, time; then
/// each pair that missed or was limited by precision (at most 20 each, then a count).
Certificates print_closing_table(const StoreReader& store, std::ostream& out);

}  // namespace explaind
