#include "copies/written_units.hpp"

#include <fmt/format.h>

#include <vector>

namespace explaind {

void begin_variable(const StoreReader& store, const std::string& name, UnitChecksums& sums) {
  const StoredVariable variable = store.variable(name);
  const bool of_samples = variable.dims.size() > 1 && variable.dims[1] == "sample";
  sums.begin({variable.shape.begin(), variable.shape.end()}, of_samples,
             store.number_of(name).bytes);
}

std::string damaged_unit(const StoreReader& store, const StoreShape& shape,
                         const UnitChecksums& found) {
  const std::vector<double> stored = store.read("checksum");
  for (int64_t index = 0; index < shape.units.size(); ++index) {
    const Unit unit = shape.units.unit(index);
    if (!shape.is_committed(unit)) continue;
    const auto said =
        static_cast<uint32_t>(static_cast<int64_t>(stored.at(static_cast<size_t>(index))));
    if (said == found.of(unit)) continue;
    return fmt::format("{}: the bytes' checksum is {:08x}, and {:08x} was stored",
                       shape.name_of(unit), found.of(unit), said);
  }
  return "";
}

}  // namespace explaind
