#pragma once
// How a store is divided, and what it says of its making, as far as the file has it.

#include <cstdint>
#include <string>
#include <vector>

#include "config/decompose_options.hpp"
#include "scores/tile.hpp"
#include "store/store_reader.hpp"

namespace explaind {

struct StoreShape {
  /// Throws DataError where the file has no scores, or an option that this program does not know.
  explicit StoreShape(const StoreReader& store);

  DecomposeOptions options;  ///< that it was made with; defaults where it does not say
  bool configured = false;   ///< it says
  /// Where the file is a part of a store, or holds more or less than one: what is missing.
  std::string part;
  int64_t segments = 0, samples = 0, outputs = 1, components = 0, groups = 0;
  bool of_samples = false, of_groups = false;  ///< psi has an axis sample, or group
  UnitGrid units;
  /// Why the units cannot be told; empty where they can.
  std::string units_doubt;
  std::vector<std::string> tile;   ///< variables of a unit in the order of its checksum
  std::vector<std::string> dense;  ///< those of them that hold scores of single scalars
  std::vector<uint8_t> marks;      ///< segments × samples (× 1 where psi has no samples)

  std::vector<int64_t> step_from, step_to;  ///< per segment
  std::vector<std::string> ids;             ///< per sample
  std::vector<int64_t> group_of;            ///< per sample, where of_groups

  /// Every mark of the unit is set.
  [[nodiscard]] bool is_committed(const Unit& unit) const;
  /// Some are, and others not.
  [[nodiscard]] bool is_torn(const Unit& unit) const;
  /// Segments are several steps whose scores were added up.
  [[nodiscard]] bool sums_steps() const {
    return options.steps != "all" && options.step_policy == "sum";
  }
  /// Rows of psi that a unit has.
  [[nodiscard]] int64_t rows(const Unit& unit) const;

  /// "segment 3 (steps 100 to 200), samples 0 to 63"
  [[nodiscard]] std::string name_of(const Unit& unit) const;
  /// "segment 3 (steps 100 to 200), sample 5 ('de-17')"
  [[nodiscard]] std::string name_of(int64_t segment, int64_t sample) const;

 private:
  [[nodiscard]] std::string segment_name(int64_t segment) const;
  void read_configuration(const StoreReader& store);
  void read_axes(const StoreReader& store);
  void read_tile(const StoreReader& store);
  void read_units(const StoreReader& store);
  [[nodiscard]] int64_t count_marks(const Unit& unit, int64_t& all) const;
};

}  // namespace explaind
