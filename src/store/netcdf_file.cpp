#include "store/netcdf_file.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "core/error.hpp"
#include "store/file_lock.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

// Fill values of netCDF (NC_FILL_BYTE, NC_FILL_INT, NC_FILL_INT64).
constexpr int8_t fill_byte = -127;
constexpr int32_t fill_int = -2147483647;
constexpr int64_t fill_int64 = -9223372036854775806LL;

template <typename T>
Blank blank_of(T value) {
  Blank blank;
  blank.width = sizeof(T);
  std::memcpy(blank.value.data(), &value, sizeof(T));
  return blank;
}

/// What stands for "missing" in a type, as its bytes lie in the file (little-endian, like memory).
Blank fill_of(hid_t type) {
  const size_t width = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return width == 4 ? blank_of(std::numeric_limits<float>::quiet_NaN())
                        : blank_of(std::numeric_limits<double>::quiet_NaN());
    case H5T_INTEGER:
      return width == 1   ? blank_of(fill_byte)
             : width == 4 ? blank_of(fill_int)
                          : blank_of(fill_int64);
    default:
      return blank_of(char{});
  }
}

Handle access(const FrontRoom& room) {
  Handle list = hdf5::unlocked_access();
  check(H5Pset_meta_block_size(list.get(), room.metadata), "HDF5", "H5Pset_meta_block_size");
  check(H5Pset_small_data_block_size(list.get(), room.small_data), "HDF5",
        "H5Pset_small_data_block_size");
  return list;
}

/// "parameter/row_64" → "parameter/".
std::string group_of(const std::string& name) { return name.substr(0, name.rfind('/') + 1); }

}  // namespace

NetcdfFile::NetcdfFile(const std::filesystem::path& path, const FrontRoom& room)
    : where_(path.string()),
      file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access(room).get()), H5Fclose,
            where_, "creating the file") {}

Handle NetcdfFile::open(const std::string& object) const {
  return {H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), H5Oclose, where_, "opening " + object};
}

void NetcdfFile::group(const std::string& name) {
  const Handle made(H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                    H5Gclose, where_, "creating " + name);
}

Handle NetcdfFile::create(const std::string& name, hid_t type,
                          const std::vector<std::string>& dims) {
  std::vector<hsize_t> shape;
  for (const std::string& dim : dims) shape.push_back(dimensions_.at(dim).size);
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                     H5Sclose, where_, "H5Screate_simple");
  const Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where_, "H5Pcreate");
  check(H5Pset_layout(list.get(), H5D_CONTIGUOUS), where_, "H5Pset_layout");
  check(H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_EARLY), where_, "H5Pset_alloc_time");
  check(H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER), where_, "H5Pset_fill_time");
  check(H5Pset_fill_value(list.get(), type, fill_of(type).value.data()), where_,
        "H5Pset_fill_value");
  check(H5Pset_obj_track_times(list.get(), false), where_, "H5Pset_obj_track_times");
  Handle dataset(H5Dcreate2(file_.get(), name.c_str(), type, space.get(), H5P_DEFAULT, list.get(),
                            H5P_DEFAULT),
                 H5Dclose, where_, "creating " + name);
  if (dims.front() == name) {
    make_scale(name, dataset, name.substr(group_of(name).size()));
    // netCDF finds the dimensions of a scale with two axes by their ids.
    if (dims.size() > 1) {
      two_axes_.emplace_back(name, dims.at(1));
      std::vector<int> ids;
      for (const std::string& dim : dims) ids.push_back(dimensions_.at(dim).id);
      attribute(name, "_Netcdf4Coordinates", ids);
    }
    return dataset;
  }
  for (unsigned axis = 0; axis < dims.size(); ++axis) {
    check(H5DSattach_scale(dataset.get(), open(dims[axis]).get(), axis), where_,
          "H5DSattach_scale");
  }
  return dataset;
}

void NetcdfFile::declare(const std::string& dim, uint64_t size) {
  dimensions_[dim] = {.size = size, .id = static_cast<int>(dimensions_.size())};
}

/// label: what HDF5 calls the scale.
void NetcdfFile::make_scale(const std::string& dim, const Handle& dataset,
                            const std::string& label) {
  check(H5DSset_scale(dataset.get(), label.c_str()), where_, "H5DSset_scale");
  write_attribute(dim, "_Netcdf4Dimid", H5T_STD_I32LE, {}, &dimensions_.at(dim).id);
}

void NetcdfFile::dimension(const std::string& name, uint64_t size) {
  // As netCDF does for a dimension without labels: a scale that has no space.
  declare(name, size);
  const hsize_t length = size;
  const Handle space(H5Screate_simple(1, &length, nullptr), H5Sclose, where_, "H5Screate_simple");
  const Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where_, "H5Pcreate");
  check(H5Pset_obj_track_times(list.get(), false), where_, "H5Pset_obj_track_times");
  const Handle scale(H5Dcreate2(file_.get(), name.c_str(), H5T_IEEE_F32BE, space.get(), H5P_DEFAULT,
                                list.get(), H5P_DEFAULT),
                     H5Dclose, where_, "creating " + name);
  std::string length_text = std::to_string(size);
  length_text.insert(0, 10 - std::min<size_t>(10, length_text.size()), ' ');
  make_scale(name, scale, "This is a netCDF dimension but not a netCDF variable." + length_text);
}

void NetcdfFile::fill_with(const Handle& dataset, hid_t type, const void* data,
                           const std::string& name) {
  check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), where_,
        "writing " + name);
}

void NetcdfFile::numbers(const std::string& name, const std::string& dim,
                         const std::vector<int64_t>& values) {
  const bool fits = std::all_of(values.begin(), values.end(), [](int64_t value) {
    return value > fill_int && value <= std::numeric_limits<int32_t>::max();
  });
  if (name == dim) declare(dim, values.size());
  const Handle dataset = create(name, fits ? H5T_STD_I32LE : H5T_STD_I64LE, {dim});
  fill_with(dataset, H5T_NATIVE_INT64, values.data(), name);
}

void NetcdfFile::doubles(const std::string& name, const std::vector<std::string>& dims,
                         const std::vector<double>& values) {
  fill_with(create(name, H5T_IEEE_F64LE, dims), H5T_NATIVE_DOUBLE, values.data(), name);
}

std::string NetcdfFile::width_dimension(const std::string& name, uint64_t width) {
  std::string dim = group_of(name) + "text_" + std::to_string(width);
  if (!dimensions_.contains(dim)) dimension(dim, width);
  return dim;
}

void NetcdfFile::texts(const std::string& name, const std::string& dim,
                       const std::vector<std::string>& values, uint64_t width) {
  for (const std::string& value : values) width = std::max<uint64_t>(width, value.size());
  width = std::max<uint64_t>(width, 1);
  if (name == dim) declare(dim, values.size());
  const Handle dataset = create(name, H5T_C_S1, {dim, width_dimension(name, width)});
  std::string characters(dimensions_.at(dim).size * width, '\0');
  for (size_t i = 0; i < values.size(); ++i) values[i].copy(&characters[i * width], width);
  fill_with(dataset, H5T_C_S1, characters.data(), name);
  attribute(name, "_Encoding", "utf-8");
}

void NetcdfFile::document(const std::string& name, const std::string& text) {
  const std::string padded = text.empty() ? std::string(1, '\0') : text;
  const Handle dataset = create(name, H5T_C_S1, {width_dimension(name, padded.size())});
  fill_with(dataset, H5T_C_S1, padded.data(), name);
  attribute(name, "_Encoding", "utf-8");
}

void NetcdfFile::variable(const std::string& name, hid_t type, const std::vector<std::string>& dims,
                          Until until) {
  const Handle dataset = create(name, type, dims);
  Blank blank = fill_of(type);
  if (until == Until::zeros) blank.value = {};
  blank.offset = H5Dget_offset(dataset.get());
  blank.bytes = H5Dget_storage_size(dataset.get());
  if (blank.bytes > 0) blanks_.push_back(blank);
}

void NetcdfFile::write(const std::string& name, const hdf5::Slab& slab, const double* values) {
  hdf5::write_slab(open(name).get(), H5T_NATIVE_DOUBLE, slab, values, where_);
}

void NetcdfFile::write_attribute(const std::string& object, const std::string& name, hid_t type,
                                 const std::vector<hsize_t>& shape, const void* data) {
  const Handle target = open(object);
  const Handle space(shape.empty()
                         ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                     H5Sclose, where_, "H5Screate");
  const Handle made(
      H5Acreate2(target.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
      where_, "creating attribute " + name);
  check(H5Awrite(made.get(), type, data), where_, "writing attribute " + name);
}

void NetcdfFile::attribute(const std::string& object, const std::string& name,
                           const std::string& text) {
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose, where_, "H5Tcopy");
  check(H5Tset_size(type.get(), std::max<size_t>(1, text.size())), where_, "H5Tset_size");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), where_, "H5Tset_cset");
  write_attribute(object, name, type.get(), {}, text.c_str());
}

void NetcdfFile::attribute(const std::string& object, const std::string& name,
                           const std::vector<int>& values) {
  write_attribute(object, name, H5T_STD_I32LE, {values.size()}, values.data());
}

void NetcdfFile::fill_attribute(const std::string& variable) {
  const Handle dataset = open(variable);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, where_, "H5Dget_type");
  write_attribute(variable, "_FillValue", type.get(), {1}, fill_of(type.get()).value.data());
}

void NetcdfFile::link(const std::string& name, const std::string& target) {
  check(H5Lcreate_soft(("/" + target).c_str(), file_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
        where_, "linking " + name);
}

/// What HDF5 would write of a scale attached to the second axis. It attaches none to what is a
/// scale itself, and nothing to a scale that has this, so it comes last; kerchunk looks for it.
void NetcdfFile::attach_second_axis(const std::string& labels, const std::string& dim) {
  const Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, where_, "H5Tvlen_create");
  hobj_ref_t scale{};
  check(H5Rcreate(&scale, file_.get(), dim.c_str(), H5R_OBJECT, H5I_INVALID_HID), where_,
        "H5Rcreate");
  const std::array<hvl_t, 2> lists{hvl_t{0, nullptr}, hvl_t{1, &scale}};
  write_attribute(labels, "DIMENSION_LIST", type.get(), {lists.size()}, lists.data());
}

void NetcdfFile::close() {
  for (const auto& [labels, dim] : two_axes_) attach_second_axis(labels, dim);
  // An id that leaked would let H5Fclose succeed without writing metadata.
  if (H5Fget_obj_count(file_.get(), H5F_OBJ_ALL) != 1) {
    throw Error(where_, "an HDF5 identifier was left open", "This is a defect: report it");
  }
  file_.close(where_, "closing the file");
}

}  // namespace explaind
