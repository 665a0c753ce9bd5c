#include "verification/certificates_of.hpp"

namespace explaind {

UnitCertificates certificates_of(const StoreReader& store, const Unit& unit) {
  const auto read = [&](const char* name) {
    const UnitPlace place = place_of(store.variable(name), unit);
    return store.read(name, place.start, place.count);
  };
  return {.value_from = read("value_from"),
          .value_to = read("value_to"),
          .residual = read("residual"),
          .error = read("quadrature_error"),
          .nodes = read("node_count"),
          .tolerance_met = read("tolerance_met"),
          .limited_by_precision = read("limited_by_precision")};
}

}  // namespace explaind
