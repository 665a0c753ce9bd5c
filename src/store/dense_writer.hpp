#pragma once
// The datasets of single scalars, written in parts.

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "store/hdf5.hpp"
#include "store/influence_store.hpp"
#include "store/layout.hpp"
#include "store/rows_checksum.hpp"

namespace explaind {

/// Writes parts of one unit's scalars after another and keeps their checksums until the unit ends.
class DenseWriter {
 public:
  DenseWriter() = default;  ///< of a store without them
  /// file: open, and longer than this. schema: must outlive this.
  DenseWriter(hid_t file, const StoreSchema& schema, const std::string& where);

  /// Not collective.
  void write(const Unit& unit, const DenseSlice& slice);
  /// The checksum so far, continued by what all ranks have written of the unit; forgets it.
  /// @collective over group
  uLong checksum(uLong so_far, const Communicator& group);
  void close();
  /// Nothing is closed any more: HDF5 would write.
  void leave_open() noexcept;

 private:
  struct Dataset {
    Variable variable;
    hdf5::Handle handle;
    int64_t rows = 0, row_scalars = 1;  ///< of the tensor; with all outputs
    int64_t first = 0;                  ///< scalars of the tensors before it
  };
  const StoreSchema* schema_ = nullptr;
  std::string where_;
  std::vector<Dataset> datasets_;
  std::vector<RowsChecksum> runs_;  ///< of what was written of the unit
};

}  // namespace explaind
