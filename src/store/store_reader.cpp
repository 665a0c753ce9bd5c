#include "store/store_reader.hpp"

#include <hdf5_hl.h>

#include <algorithm>

#include "core/error.hpp"
#include "store/file_lock.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

/// The scale's own name, from the path under which HDF5 knows it.
herr_t keep_scale_name(hid_t /*dataset*/, unsigned /*axis*/, hid_t scale, void* name) {
  char text[256] = {};
  H5Iget_name(scale, text, sizeof(text));
  *static_cast<std::string*>(name) = text[0] == '/' ? text + 1 : text;
  return 1;
}

herr_t keep_link(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

herr_t keep_attribute(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

StoreReader::StoreReader(const std::filesystem::path& path) : where_(path.string()) {
  hdf5::silence();
  if (!std::filesystem::is_regular_file(path)) {
    throw DataError(where_, "no such store", "Check the path");
  }
  if (H5Fis_hdf5(where_.c_str()) <= 0) {
    throw DataError(where_, "not an HDF5 file", "Name a store that explaind decompose wrote");
  }
  file_ = Handle(H5Fopen(where_.c_str(), H5F_ACC_RDONLY, hdf5::reading_access(path).get()),
                 H5Fclose, where_, "opening");
  if (H5Aexists(file_.get(), "store_version") <= 0) {
    throw DataError(where_, "not an influence store", "Name a store that explaind decompose wrote");
  }
  const std::string version = read_attribute(file_.get(), "store_version");
  if (version != std::to_string(store_version)) {
    throw DataError(where_, "store version " + version + " is not known",
                    "Read it with the program that wrote it");
  }
}

Handle StoreReader::open(const std::string& name) const {
  if (!has(name)) throw DataError(where_, "has no variable '" + name + "'", "See explaind inspect");
  return {H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), H5Dclose, where_, "opening " + name};
}

bool StoreReader::has(const std::string& name) const {
  const size_t slash = name.find('/');  // HDF5 asks for every link of a path by itself
  if (name.empty() || slash == 0) return false;
  if (slash != std::string::npos &&
      H5Lexists(file_.get(), name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) {
    return false;
  }
  if (H5Lexists(file_.get(), name.c_str(), H5P_DEFAULT) <= 0) return false;
  const Handle object(H5Oopen(file_.get(), name.c_str(), H5P_DEFAULT), H5Oclose, where_,
                      "opening " + name);
  return H5Iget_type(object.get()) == H5I_DATASET;
}

std::string StoreReader::read_attribute(hid_t object, const std::string& name) const {
  Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, where_,
                   "opening attribute " + name);
  const Handle type = hdf5::text_type(where_);
  char* text = nullptr;
  check(H5Aread(attribute.get(), type.get(), &text), where_, "reading attribute " + name);
  std::string value = text == nullptr ? "" : text;
  H5free_memory(text);
  return value;
}

std::string StoreReader::attribute(const std::string& variable, const std::string& name) const {
  const Handle dataset = open(variable);
  if (H5Aexists(dataset.get(), name.c_str()) <= 0) return "";
  return read_attribute(dataset.get(), name);
}

std::vector<std::pair<std::string, std::string>> StoreReader::attributes() const {
  std::vector<std::string> names;
  hsize_t position = 0;
  // By name: the order of creation is not tracked in HDF5's default format.
  check(H5Aiterate2(file_.get(), H5_INDEX_NAME, H5_ITER_INC, &position, keep_attribute, &names),
        where_, "listing attributes");
  std::vector<std::pair<std::string, std::string>> attributes;
  for (const std::string& name : names) {
    attributes.emplace_back(name, read_attribute(file_.get(), name));
  }
  return attributes;
}

StoredVariable StoreReader::variable(const std::string& name) const {
  const Handle dataset = open(name);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, where_, "H5Dget_space");
  std::vector<hsize_t> shape(static_cast<size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  StoredVariable variable{.name = name, .dims = {}, .shape = {shape.begin(), shape.end()}};
  for (unsigned axis = 0; axis < shape.size(); ++axis) {
    std::string dim;
    if (H5DSis_scale(dataset.get()) > 0) {
      dim = name;
    } else {
      H5DSiterate_scales(dataset.get(), axis, nullptr, keep_scale_name, &dim);
    }
    variable.dims.push_back(dim);
  }
  return variable;
}

std::vector<StoredVariable> StoreReader::variables() const {
  std::vector<std::string> names;
  check(H5Literate(file_.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_link, &names), where_,
        "listing variables");
  std::vector<StoredVariable> found;
  for (const std::string& name : names) {
    if (has(name) && !attribute(name, "long_name").empty()) found.push_back(variable(name));
  }
  return found;
}

std::vector<StoredVariable> StoreReader::dense_variables() const {
  std::vector<StoredVariable> found;
  if (H5Lexists(file_.get(), dense_group, H5P_DEFAULT) <= 0) return found;
  const Handle group(H5Gopen2(file_.get(), dense_group, H5P_DEFAULT), H5Gclose, where_,
                     "opening a group");
  std::vector<std::string> names;
  check(H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_link, &names), where_,
        "listing variables");
  for (const std::string& name : names) {
    const std::string path = std::string(dense_group) + "/" + name;
    if (!attribute(path, "long_name").empty()) found.push_back(variable(path));
  }
  return found;
}

bool StoreReader::is_text(const std::string& name) const {
  const Handle dataset = open(name);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, where_, "H5Dget_type");
  return H5Tget_class(type.get()) == H5T_STRING;
}

std::vector<std::string> StoreReader::texts(const std::string& name) const {
  const Handle dataset = open(name);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, where_, "H5Dget_space");
  const Handle type = hdf5::text_type(where_);
  std::vector<char*> raw(static_cast<size_t>(H5Sget_simple_extent_npoints(space.get())), nullptr);
  check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()), where_,
        "reading " + name);
  std::vector<std::string> values;
  for (const char* text : raw) values.emplace_back(text == nullptr ? "" : text);
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, raw.data());
  return values;
}

std::vector<int64_t> StoreReader::numbers(const std::string& name) const {
  const Handle dataset = open(name);
  std::vector<int64_t> values(static_cast<size_t>(variable(name).shape.at(0)));
  check(H5Dread(dataset.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
        where_, "reading " + name);
  return values;
}

std::vector<double> StoreReader::read(const std::string& name, const std::vector<int64_t>& start,
                                      const std::vector<int64_t>& count) const {
  const Handle dataset = open(name);
  size_t elements = 1;
  for (const int64_t each : count) elements *= static_cast<size_t>(each);
  std::vector<double> values(elements);
  hdf5::read_slab(dataset.get(), H5T_NATIVE_DOUBLE,
                  {{start.begin(), start.end()}, {count.begin(), count.end()}}, values.data(),
                  where_);
  return values;
}

std::vector<double> StoreReader::read(const std::string& name) const {
  const StoredVariable whole = variable(name);
  return read(name, std::vector<int64_t>(whole.shape.size(), 0), whole.shape);
}

}  // namespace explaind
