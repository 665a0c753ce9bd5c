#include "store/hdf5_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>

#include "store/hdf5.hpp"

namespace explaind::hdf5 {
namespace {

/// What a read fills: `bytes` of fixed length, or pointers.
using Read = std::function<void(hid_t type, void* data)>;

std::string unpadded(const char* text, size_t width) {
  const std::string whole(text, width);
  const size_t end = whole.find('\0');
  return end == std::string::npos ? whole : whole.substr(0, end);
}

/// Texts of the file's own type, so that HDF5 converts nothing: it refuses to between character
/// sets.
std::vector<std::string> texts_of(hid_t type, hid_t space, const Read& read) {
  const auto count = static_cast<size_t>(H5Sget_simple_extent_npoints(space));
  std::vector<std::string> values;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> raw(count, nullptr);
    read(type, raw.data());
    for (const char* text : raw) values.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data());
    return values;
  }
  const size_t width = H5Tget_size(type);
  std::vector<char> raw(count * width);
  read(type, raw.data());
  for (size_t i = 0; i < count; ++i) values.push_back(unpadded(&raw[i * width], width));
  return values;
}

std::string numbers_of(hid_t type, size_t count, const Read& read) {
  std::string text;
  if (H5Tget_class(type) == H5T_INTEGER) {
    std::vector<int64_t> values(count);
    read(H5T_NATIVE_INT64, values.data());
    for (const int64_t value : values) text += fmt::format("{}{}", text.empty() ? "" : " ", value);
  } else if (H5Tget_class(type) == H5T_FLOAT) {
    std::vector<double> values(count);
    read(H5T_NATIVE_DOUBLE, values.data());
    for (const double value : values) text += fmt::format("{}{}", text.empty() ? "" : " ", value);
  }
  return text;
}

Handle type_of(hid_t dataset, const std::string& where) {
  return {H5Dget_type(dataset), H5Tclose, where, "H5Dget_type"};
}

Handle space_of(hid_t dataset, const std::string& where) {
  return {H5Dget_space(dataset), H5Sclose, where, "H5Dget_space"};
}

}  // namespace

bool holds_characters(hid_t dataset) {
  const Handle type = type_of(dataset, "HDF5"), space = space_of(dataset, "HDF5");
  return H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) <= 0 &&
         H5Tget_size(type.get()) == 1 && H5Sget_simple_extent_ndims(space.get()) > 0;
}

std::vector<std::string> read_texts(hid_t dataset, const std::string& where) {
  const Handle type = type_of(dataset, where), space = space_of(dataset, where);
  const Read read = [&](hid_t memory, void* data) {
    check(H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), where, "reading texts");
  };
  if (!holds_characters(dataset)) return texts_of(type.get(), space.get(), read);
  std::vector<hsize_t> shape(static_cast<size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  const size_t width = shape.back();
  shape.pop_back();
  size_t count = 1;
  for (const hsize_t extent : shape) count *= static_cast<size_t>(extent);
  std::vector<std::string> values(count);
  std::vector<char> raw(count * width);
  if (raw.empty()) return values;
  read(type.get(), raw.data());
  for (size_t i = 0; i < count; ++i) values[i] = unpadded(&raw[i * width], width);
  return values;
}

std::string read_attribute(hid_t object, const std::string& name, const std::string& where) {
  if (H5Aexists(object, name.c_str()) <= 0) return "";
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, where,
                         "opening attribute " + name);
  const Handle type(H5Aget_type(attribute.get()), H5Tclose, where, "H5Aget_type");
  const Handle space(H5Aget_space(attribute.get()), H5Sclose, where, "H5Aget_space");
  const Read read = [&](hid_t memory, void* data) {
    check(H5Aread(attribute.get(), memory, data), where, "reading attribute " + name);
  };
  const auto count =
      static_cast<size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
  if (count == 0) return "";
  if (H5Tget_class(type.get()) != H5T_STRING) return numbers_of(type.get(), count, read);
  const std::vector<std::string> texts = texts_of(type.get(), space.get(), read);
  return texts.front();
}

}  // namespace explaind::hdf5
