#pragma once
// A variable of a store that stays open while it is read in many pieces.

#include <cstdint>
#include <string>
#include <vector>

#include "store/hdf5.hpp"

namespace explaind {

class StoredArray {
 public:
  /// where: the file, for messages.
  StoredArray(hdf5::Handle dataset, std::string where);

  /// Extents of the pieces that it is stored in, each read (and unpacked) whole; empty where it
  /// lies in the file in one piece.
  [[nodiscard]] const std::vector<int64_t>& chunk() const { return chunk_; }

  /// A hyperslab into a part of an array in memory, both row-major.
  struct Part {
    std::vector<int64_t> start, count;  ///< in the file
    std::vector<int64_t> at, shape;     ///< where it begins in memory; extents of all there
  };
  /// Throws DataError where the file cannot be read.
  void read(const Part& part, double* memory) const;

 private:
  hdf5::Handle dataset_;
  std::string where_;
  std::vector<int64_t> chunk_;
};

}  // namespace explaind
