#pragma once
// Checksums of units whose bytes come in pieces of any shape and in any order.

#include <cstdint>
#include <map>
#include <vector>

#include "copies/crc_shift.hpp"
#include "scores/tile.hpp"
#include "store/hdf5.hpp"

namespace explaind {

/// The CRC-32 of a tile is the exclusive or of its runs', each shifted by the bytes that follow it
/// in the tile. So an array may be read chunk by chunk, each once, whichever units lie across it.
class UnitChecksums {
 public:
  explicit UnitChecksums(const UnitGrid& units);

  /// The next variable of the tile (StoreShape::tile has their order). The first axis is the
  /// segment; `of_samples`: the second one is the sample. width: bytes of an entry.
  void begin(const std::vector<hsize_t>& shape, bool of_samples, size_t width);
  /// A part of it, row-major as stored; every entry comes once.
  void add(const hdf5::Slab& piece, const char* data);
  void end();

  /// Of all variables that have ended, as src/store/layout.md has it.
  [[nodiscard]] uint32_t of(const Unit& unit) const {
    return whole_[static_cast<size_t>(unit.index)];
  }

 private:
  void add_to(const Unit& unit, const hdf5::Slab& piece, const char* data);
  [[nodiscard]] uint32_t runs(size_t axis, const std::vector<hsize_t>& count,
                              const std::vector<size_t>& piece_bytes, const char* data) const;
  [[nodiscard]] uint64_t tile_bytes(const Unit& unit) const;

  UnitGrid units_;
  std::vector<uint32_t> whole_, part_;  ///< per unit: all variables, the one that is coming
  std::vector<hsize_t> shape_;
  bool of_samples_ = false;
  std::vector<uint64_t> stride_;  ///< of the variable, in bytes
  std::map<uint64_t, CrcShift> shifts_;
};

}  // namespace explaind
