#pragma once
// HDF5's C interface behind values that close themselves. HDF5's own messages are silenced and
// become DataError.

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace explaind::hdf5 {

/// Owns one HDF5 identifier. close() reports errors; the destructor cannot.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  /// Throws DataError(where, what …) with HDF5's innermost message unless the id is valid.
  Handle(hid_t id, Close closer, const std::string& where, const std::string& what);
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }

  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] explicit operator bool() const { return id_ >= 0; }
  void close(const std::string& where, const std::string& what);
  /// Leaves it open for good.
  void release() { id_ = H5I_INVALID_HID; }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// Throws DataError with HDF5's innermost message where `status` is negative.
void check(herr_t status, const std::string& where, const std::string& what);

/// Names of a group's entries, and of an object's attributes, in alphabetical order.
std::vector<std::string> names_in(hid_t group, const std::string& where);
std::vector<std::string> attribute_names(hid_t object, const std::string& where);

/// Switches off what HDF5 does unasked, for the whole process: printing its error stack, and
/// closing files when the program or MPI ends, which crashes where a write had found no space.
/// Called before HDF5 or MPI have begun; later only the printing can be switched off.
void silence();

/// One hyperslab of a dataset, [start, start + count) along every dimension, to or from contiguous
/// memory, in calls of at most 1 GiB (HDF5 1.10 fails above 2 GiB).
struct Slab {
  std::vector<hsize_t> start, count;
};
void write_slab(hid_t dataset, hid_t memory_type, const Slab& slab, const void* data,
                const std::string& where);
void read_slab(hid_t dataset, hid_t memory_type, const Slab& slab, void* data,
               const std::string& where);

}  // namespace explaind::hdf5
