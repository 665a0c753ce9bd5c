// Going on with a store that an earlier run left: what is committed is checked, the rest is named.

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "core/synced.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5.hpp"
#include "store/influence_store.hpp"
#include "store/layout.hpp"
#include "store/slab_pieces.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

/// That are read at once: scalars of a whole model do not fit memory.
constexpr size_t piece_bytes = size_t{64} << 20;

/// An existing store, open for this process alone.
class OpenStore {
 public:
  OpenStore(const std::filesystem::path& path, const StoreSchema& schema)
      : where_(path.string()),
        schema_(schema),
        file_(H5Fopen(where_.c_str(), H5F_ACC_RDWR, hdf5::unlocked_access().get()), H5Fclose,
              where_, "opening"),
        variables_(tile_variables(schema)),
        committed_(open("committed")),
        checksum_(open("provenance/checksum")) {
    for (const Variable& variable : variables_) datasets_.push_back(open(variable.name));
  }

  [[nodiscard]] bool is_committed(const Unit& unit) const {
    std::vector<uint8_t> marks(marks_of(unit));
    hdf5::read_slab(committed_.get(), H5T_NATIVE_INT8,
                    unit_slab(schema_, committed_dimensions(schema_), unit), marks.data(), where_);
    return std::all_of(marks.begin(), marks.end(), [](uint8_t mark) { return mark == 1; });
  }

  [[nodiscard]] bool is_intact(const Unit& unit) const {
    uint32_t stored = 0;  // its bits lie in the file as a signed number
    hdf5::read_slab(checksum_.get(), H5T_NATIVE_INT32, unit_slab(schema_, unit_dimensions(), unit),
                    &stored, where_);
    uLong crc = crc32_z(0, nullptr, 0);
    for (size_t i = 0; i < variables_.size(); ++i) {
      const size_t width = H5Tget_size(variables_[i].type);
      for (const hdf5::Slab& slab :
           hdf5::pieces_of(unit_slab(schema_, variables_[i].dims, unit), width, piece_bytes)) {
        size_t size = width;
        for (const hsize_t count : slab.count) size *= count;
        std::vector<Bytef> bytes(size);
        hdf5::read_slab(datasets_[i].get(), variables_[i].type, slab, bytes.data(), where_);
        crc = crc32_z(crc, bytes.data(), size);
      }
    }
    return static_cast<uint32_t>(crc) == stored;
  }

  void forget(const Unit& unit) {
    const std::vector<uint8_t> zeros(marks_of(unit), 0);
    hdf5::write_slab(committed_.get(), H5T_NATIVE_INT8,
                     unit_slab(schema_, committed_dimensions(schema_), unit), zeros.data(), where_);
  }

  /// Into the first line that is free, or over the last one.
  void log(const std::string& line) {
    const Handle lines = open("provenance/run_log");
    for (hsize_t i = 0; i < run_log_entries; ++i) {
      const hdf5::Slab place{{i, 0}, {1, run_log_width}};
      std::string text(run_log_width, '\0');
      hdf5::read_slab(lines.get(), H5T_C_S1, place, text.data(), where_);
      if (text[0] != '\0' && i + 1 < run_log_entries) continue;
      text.assign(run_log_width, '\0');
      line.copy(text.data(), run_log_width - 1);
      hdf5::write_slab(lines.get(), H5T_C_S1, place, text.data(), where_);
      return;
    }
  }

  void close() {
    check(H5Fflush(file_.get(), H5F_SCOPE_LOCAL), where_, "flushing");
    for (Handle* handle : {&committed_, &checksum_}) handle->close(where_, "closing");
    for (Handle& handle : datasets_) handle.close(where_, "closing");
    file_.close(where_, "closing");
  }

 private:
  [[nodiscard]] Handle open(const std::string& name) const {
    return {H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), H5Dclose, where_, "opening " + name};
  }
  [[nodiscard]] size_t marks_of(const Unit& unit) const {
    return schema_.axes.sample ? static_cast<size_t>(unit.sample_end - unit.sample_begin) : 1;
  }

  std::string where_;
  const StoreSchema& schema_;
  Handle file_;
  std::vector<Variable> variables_;
  Handle committed_, checksum_;
  std::vector<Handle> datasets_;  ///< of `variables_`
};

}  // namespace

StoreRemainder resume_store(const std::filesystem::path& path, const StoreSchema& schema) {
  hdf5::silence();
  StoreRemainder left;
  OpenStore store(path, schema);
  for (int64_t index = 0; index < schema.units.size(); ++index) {
    const Unit unit = schema.units.unit(index);
    if (store.is_committed(unit)) {
      if (store.is_intact(unit)) continue;
      store.forget(unit);
      ++left.damaged;
    }
    left.units.push_back(index);
  }
  store.log(schema.run_log_line);
  store.close();
  // A mark that was taken off must not come back beside a tile that is half written.
  sync_file(path, "Look after its disk, then use --resume");
  return left;
}

}  // namespace explaind
