#pragma once
// A new HDF5 file in the forms that every netCDF reader reads: dimensions are scales, texts arrays
// of characters, and attributes have a fixed length. (Of HDF5's other texts readers of netCDF know
// some and fail on some.)

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/blank.hpp"
#include "store/hdf5.hpp"

namespace explaind {

/// Bytes kept together at the front of the file for what a reader needs first: over a network every
/// piece that lies apart is a request. What does not fit lies further behind.
struct FrontRoom {
  uint64_t metadata = 0;    ///< HDF5's own structures, with the attributes
  uint64_t small_data = 0;  ///< the datasets that are smaller than this, and lists of scales
};

/// Names may have one group before a slash. Variables are contiguous and allocated at once, and
/// nothing has a time, so that the same content is the same bytes. Every function throws DataError
/// where the file cannot be written.
class NetcdfFile {
 public:
  NetcdfFile(const std::filesystem::path& path, const FrontRoom& room);

  void group(const std::string& name);
  /// A dimension without labels.
  void dimension(const std::string& name, uint64_t size);

  /// One-dimensional variables and their values. One with the name of its dimension has the
  /// dimension's labels, and makes it. Numbers have 32 bits where all fit.
  void numbers(const std::string& name, const std::string& dim, const std::vector<int64_t>& values);
  void doubles(const std::string& name, const std::vector<std::string>& dims,
               const std::vector<double>& values);
  /// Texts of at most `width` bytes, or of the longest; there may be fewer than the dimension is
  /// long. They are padded with NUL and hold none.
  void texts(const std::string& name, const std::string& dim,
             const std::vector<std::string>& values, uint64_t width = 0);
  /// One text of any length.
  void document(const std::string& name, const std::string& text);

  /// A variable that is written later. Until then it holds zeros, or what netCDF has for missing
  /// values of its type: NaN, and for integers a number near the least.
  enum class Until { missing, zeros };
  void variable(const std::string& name, hid_t type, const std::vector<std::string>& dims,
                Until until);
  /// Numbers of a variable: those of the slab, row-major.
  void write(const std::string& name, const hdf5::Slab& slab, const double* values);
  /// Another name for a variable.
  void link(const std::string& name, const std::string& target);

  /// object: a variable, a group, or "/". A text has at most 64 KiB.
  void attribute(const std::string& object, const std::string& name, const std::string& text);
  void attribute(const std::string& object, const std::string& name,
                 const std::vector<int>& values);
  /// `_FillValue`: what an entry holds that nobody wrote.
  void fill_attribute(const std::string& variable);

  /// What is allocated and still to be filled, once the file is closed.
  [[nodiscard]] const std::vector<Blank>& blanks() const { return blanks_; }
  /// Errors surface here and not in the destructor.
  void close();

 private:
  struct Dimension {
    uint64_t size = 0;
    int id = 0;  ///< netCDF's order of dimensions
  };
  void declare(const std::string& dim, uint64_t size);
  void attach_second_axis(const std::string& labels, const std::string& dim);
  void make_scale(const std::string& dim, const hdf5::Handle& dataset, const std::string& label);
  hdf5::Handle create(const std::string& name, hid_t type, const std::vector<std::string>& dims);
  void fill_with(const hdf5::Handle& dataset, hid_t type, const void* data,
                 const std::string& name);
  /// The dimension along the characters of texts, in the group of `name`.
  std::string width_dimension(const std::string& name, uint64_t width);
  void write_attribute(const std::string& object, const std::string& name, hid_t type,
                       const std::vector<hsize_t>& shape, const void* data);
  [[nodiscard]] hdf5::Handle open(const std::string& object) const;

  std::string where_;
  hdf5::Handle file_;
  std::map<std::string, Dimension> dimensions_;
  std::vector<std::pair<std::string, std::string>> two_axes_;  ///< labels that are texts, and the
                                                               ///< dimension of their characters
  std::vector<Blank> blanks_;
};

}  // namespace explaind
