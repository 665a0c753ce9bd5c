#include "store/store_reader.hpp"

#include <fmt/format.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5_text.hpp"
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

/// netCDF's older formats are not HDF5.
bool is_classic_netcdf(const std::filesystem::path& path) {
  std::array<char, 4> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  return magic[0] == 'C' && magic[1] == 'D' && magic[2] == 'F' && magic[3] >= 1 && magic[3] <= 5;
}

void require_hdf5(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) {
    throw DataError(path.string(), "no such store", "Check the path");
  }
  if (H5Fis_hdf5(path.c_str()) > 0) return;
  if (is_classic_netcdf(path)) {
    throw DataError(path.string(), "is a netCDF file in its classic format, which is not HDF5",
                    "Convert it: nccopy -k nc4 " + path.string() + " OTHER.nc");
  }
  if (std::filesystem::file_size(path) == 0) {
    throw DataError(path.string(), "is empty", "Copy it again, or name another store");
  }
  throw DataError(path.string(), "not an HDF5 file", "Name a store that explaind decompose wrote");
}

/// 0 for what is none.
int version_of(const std::string& text) {
  for (int version = oldest_store_version; version <= store_version; ++version) {
    if (text == std::to_string(version)) return version;
  }
  return 0;
}

/// "parameter/" + "row_64".
std::string within(const std::string& group, const std::string& name) {
  return group.empty() ? name : group + "/" + name;
}

}  // namespace

bool is_hdf5_or_netcdf(const std::filesystem::path& file) {
  hdf5::silence();
  return H5Fis_hdf5(file.c_str()) > 0 || is_classic_netcdf(file);
}

StoreReader::StoreReader(const std::filesystem::path& path) : where_(path.string()) {
  hdf5::silence();
  require_hdf5(path);
  file_ = Handle(H5Fopen(where_.c_str(), H5F_ACC_RDONLY, hdf5::reading_access(path).get()),
                 H5Fclose, where_, "opening");
  file_bytes_ = static_cast<double>(std::filesystem::file_size(path));
  if (H5Aexists(file_.get(), "store_version") <= 0) {
    throw DataError(where_, "not an influence store", "Name a store that explaind decompose wrote");
  }
  const std::string text = hdf5::read_attribute(file_.get(), "store_version", where_);
  version_ = version_of(text);
  if (version_ == 0) {
    throw DataError(where_, "store version '" + text + "' is not known",
                    "Read it with the program that wrote it");
  }
}

bool StoreReader::is_dataset(const std::string& path) const {
  const size_t slash = path.find('/');  // HDF5 asks for every link of a path by itself
  if (path.empty() || slash == 0) return false;
  if (slash != std::string::npos &&
      H5Lexists(file_.get(), path.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) {
    return false;
  }
  if (H5Lexists(file_.get(), path.c_str(), H5P_DEFAULT) <= 0 ||
      H5Oexists_by_name(file_.get(), path.c_str(), H5P_DEFAULT) <= 0) {
    return false;
  }
  const Handle object(H5Oopen(file_.get(), path.c_str(), H5P_DEFAULT), H5Oclose, where_,
                      "opening " + path);
  return H5Iget_type(object.get()) == H5I_DATASET;
}

std::string StoreReader::find(const std::string& name) const {
  if (is_dataset(name)) return name;
  const std::string other = within(provenance_group, name);
  return name.find('/') == std::string::npos && is_dataset(other) ? other : "";
}

bool StoreReader::has(const std::string& name) const { return !find(name).empty(); }

Handle StoreReader::open(const std::string& name) const {
  const std::string path = find(name);
  if (path.empty()) {
    throw DataError(where_, "has no variable '" + name + "'", "See explaind inspect");
  }
  Handle dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), H5Dclose, where_,
                 "opening " + path);
  require_room(dataset.get(), path);
  return dataset;
}

void StoreReader::require_room(hid_t dataset, const std::string& path) const {
  constexpr double compression = 1032;  // what deflate can do at most
  const Handle space(H5Dget_space(dataset), H5Sclose, where_, "H5Dget_space");
  const Handle type(H5Dget_type(dataset), H5Tclose, where_, "H5Dget_type");
  std::vector<hsize_t> shape(
      static_cast<size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  auto bytes = static_cast<double>(H5Tget_size(type.get()));
  for (const hsize_t extent : shape) bytes *= static_cast<double>(extent);
  if (bytes <= compression * file_bytes_) return;
  throw DataError(where_,
                  fmt::format("damaged: {} says that it has {:.3g} bytes, more than a file of "
                              "{:.3g} can hold",
                              path, bytes, file_bytes_),
                  "Copy the store again");
}

std::string StoreReader::attribute(const std::string& variable, const std::string& name) const {
  return hdf5::read_attribute(open(variable).get(), name, where_);
}

std::string StoreReader::unit(const std::string& variable) const {
  const std::string name = attribute(variable, "unit_name");
  return name.empty() ? attribute(variable, "units") : name;
}

std::vector<std::string> StoreReader::links(const std::string& group) const {
  if (!group.empty() && H5Lexists(file_.get(), group.c_str(), H5P_DEFAULT) <= 0) return {};
  const Handle opened(H5Gopen2(file_.get(), group.empty() ? "/" : group.c_str(), H5P_DEFAULT),
                      H5Gclose, where_, "opening a group");
  return hdf5::names_in(opened.get(), where_);
}

std::vector<std::pair<std::string, std::string>> StoreReader::attributes() const {
  // By name: the order of creation is not tracked in HDF5's default format.
  std::vector<std::pair<std::string, std::string>> attributes;
  for (const std::string& name : hdf5::attribute_names(file_.get(), where_)) {
    attributes.emplace_back(name, hdf5::read_attribute(file_.get(), name, where_));
  }
  for (const std::string& name : links(provenance_group)) {
    const std::string path = within(provenance_group, name);
    if (name == "tokens") continue;  // as long as the samples, and nothing about the making
    if (!is_dataset(path) || !is_text(path) || !variable(path).dims.empty()) continue;
    const std::vector<std::string> texts = hdf5::read_texts(open(path).get(), where_);
    attributes.emplace_back(name, texts.empty() ? "" : texts.front());
  }
  return attributes;
}

std::map<std::string, int64_t> StoreReader::sizes() const {
  std::istringstream words(hdf5::read_attribute(file_.get(), "sizes", where_));
  std::map<std::string, int64_t> sizes;
  std::string name;
  for (int64_t size = 0; words >> name >> size;) sizes[name] = size;
  return sizes;
}

StoredVariable StoreReader::variable(const std::string& name) const {
  const Handle dataset = open(name);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, where_, "H5Dget_space");
  std::vector<hsize_t> shape(static_cast<size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  if (hdf5::holds_characters(dataset.get())) shape.pop_back();
  StoredVariable variable{.name = name, .dims = {}, .shape = {shape.begin(), shape.end()}};
  for (unsigned axis = 0; axis < shape.size(); ++axis) {
    std::string dim;
    if (H5DSis_scale(dataset.get()) > 0) {
      dim = name;
    } else {
      H5DSiterate_scales(dataset.get(), axis, nullptr, keep_scale_name, &dim);
    }
    const std::string group = within(provenance_group, "");
    if (dim.rfind(group, 0) == 0) dim.erase(0, group.size());
    variable.dims.push_back(dim);
  }
  return variable;
}

std::set<std::string> StoreReader::coordinate_names(const std::string& group) const {
  std::set<std::string> names;
  const auto add = [&](const std::string& list) {
    std::istringstream words(list);
    for (std::string word; words >> word;) names.insert(word);
  };
  add(hdf5::read_attribute(file_.get(), "coordinates", where_));
  for (const std::string& name : links(group)) {
    const std::string path = within(group, name);
    if (is_dataset(path)) add(attribute(path, "coordinates"));
  }
  return names;
}

std::vector<StoredVariable> StoreReader::variables_in(const std::string& group) const {
  std::vector<StoredVariable> found;
  const std::set<std::string> coordinates = coordinate_names(group);
  for (const std::string& name : links(group)) {
    const std::string path = within(group, name);
    if (!is_dataset(path) || coordinates.contains(name) || is_text(path)) continue;
    const Handle dataset = open(path);
    if (H5DSis_scale(dataset.get()) > 0) continue;
    found.push_back(variable(path));
  }
  return found;
}

std::vector<StoredVariable> StoreReader::variables() const { return variables_in(""); }

std::vector<StoredVariable> StoreReader::dense_variables() const {
  std::vector<StoredVariable> found;
  const std::vector<std::string> names = links(dense_group);
  if (names.empty() || !has("tensor")) return found;
  // Certificates and coordinates are there too, and a tensor may have the name of one.
  const std::vector<std::string> listed = texts("tensor");
  const std::set<std::string> tensors(listed.begin(), listed.end());
  for (const std::string& name : names) {
    const std::string path = within(dense_group, name);
    if (tensors.contains(name) && is_dataset(path)) found.push_back(variable(path));
  }
  return found;
}

bool StoreReader::is_text(const std::string& name) const {
  const Handle dataset = open(name);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, where_, "H5Dget_type");
  return H5Tget_class(type.get()) == H5T_STRING;
}

std::vector<std::string> StoreReader::texts(const std::string& name) const {
  return hdf5::read_texts(open(name).get(), where_);
}

std::vector<int64_t> StoreReader::numbers(const std::string& name) const {
  const Handle dataset = open(name);
  const StoredVariable found = variable(name);
  if (found.shape.size() != 1 || is_text(name)) {
    throw DataError(where_, name + " is no list of numbers", "Copy the store again");
  }
  std::vector<int64_t> values(static_cast<size_t>(found.shape.front()));
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

StoredArray StoreReader::open_array(const std::string& name) const { return {open(name), where_}; }

StoredNumber StoreReader::number_of(const std::string& name) const {
  const Handle dataset = open(name);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, where_, "H5Dget_type");
  return {.bytes = H5Tget_size(type.get()), .real = H5Tget_class(type.get()) == H5T_FLOAT};
}

Handle* StoreReader::kept_open(const std::string& name) const {
  constexpr size_t most = 8, slots = 12421, bytes = size_t{64} << 20;  // slots: a prime
  const auto known = read_by_bytes_.find(name);
  if (known != read_by_bytes_.end()) return &known->second;
  const std::string path = find(name);
  if (path.empty() || read_by_bytes_.size() == most) return nullptr;
  const Handle list(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, where_, "H5Pcreate");
  check(H5Pset_chunk_cache(list.get(), slots, bytes, H5D_CHUNK_CACHE_W0_DEFAULT), where_,
        "H5Pset_chunk_cache");
  Handle& kept = read_by_bytes_[name];
  kept =
      Handle(H5Dopen2(file_.get(), path.c_str(), list.get()), H5Dclose, where_, "opening " + path);
  return &kept;
}

void StoreReader::read_bytes(const std::string& name, const std::vector<int64_t>& start,
                             const std::vector<int64_t>& count, void* into) const {
  const Handle* kept = kept_open(name);
  const Handle opened = kept == nullptr ? open(name) : Handle();
  const Handle& dataset = kept == nullptr ? opened : *kept;
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, where_, "H5Dget_type");
  const Handle native(H5Tget_native_type(type.get(), H5T_DIR_ASCEND), H5Tclose, where_,
                      "H5Tget_native_type");
  hdf5::read_slab(dataset.get(), native.get(),
                  {{start.begin(), start.end()}, {count.begin(), count.end()}}, into, where_);
}

}  // namespace explaind
