#include "copies/text_widths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.hpp"
#include "store/hdf5_text.hpp"

namespace explaind {
namespace {

using hdf5::Handle;

constexpr int unnumbered = 1 << 30;  ///< behind all that has a number

/// "provenance/text_40" is one.
bool is_text_dimension(const OutlinedDataset& dataset) {
  const std::string name = dataset.path.substr(dataset.path.rfind('/') + 1);
  return dataset.is_scale && !dataset.stored && name.rfind("text_", 0) == 0;
}

/// What netCDF calls a dimension without labels.
std::string name_of_length(uint64_t length) {
  return fmt::format("This is a netCDF dimension but not a netCDF variable.{:>10}", length);
}

std::string text_dimension(Outline& outline, const std::string& group, uint64_t width,
                           const std::string& where) {
  std::string path = group + "text_" + std::to_string(width);
  if (outline.find(path) != nullptr) return path;
  const auto like =
      std::find_if(outline.datasets.begin(), outline.datasets.end(), is_text_dimension);
  if (like == outline.datasets.end()) {
    throw DataError(where, "its texts have no dimensions",
                    "Merge the store as explaind decompose wrote it");
  }
  OutlinedDataset made = *like;
  made.path = path;
  made.shape = {width};
  made.scales = {{path}};
  made.changed.texts["NAME"] = name_of_length(width);
  made.changed.numbers["_Netcdf4Dimid"] = {unnumbered};
  outline.datasets.push_back(std::move(made));
  return path;
}

int number_of(const OutlinedDataset& scale, hid_t file, const std::string& where) {
  if (scale.changed.numbers.contains("_Netcdf4Dimid")) return unnumbered;
  const Handle dataset(H5Dopen2(file, scale.source.c_str(), H5P_DEFAULT), H5Dclose, where,
                       "opening " + scale.source);
  const std::string text = hdf5::read_attribute(dataset.get(), "_Netcdf4Dimid", where);
  return text.empty() ? unnumbered : std::stoi(text);
}

}  // namespace

void set_text_width(Outline& outline, OutlinedDataset& texts, uint64_t width,
                    const std::string& where) {
  const size_t axis = texts.shape.size() - 1;
  const std::string dim = texts.shape.empty() ? "" : texts.dim(axis);
  const OutlinedDataset* now = dim.empty() ? nullptr : outline.find(dim);
  if (now == nullptr || !is_text_dimension(*now)) {
    throw DataError(where, texts.path + " has texts in the form of another program",
                    "Merge the store as explaind decompose wrote it");
  }
  width = std::max<uint64_t>(width, 1);
  const std::string path = texts.path, group = dim.substr(0, dim.rfind('/') + 1);
  const std::string wanted = text_dimension(outline, group, width, where);
  OutlinedDataset& changed = *outline.find(path);  // the list may have moved
  changed.shape[axis] = width;
  changed.scales[axis] = {wanted};
}

void add_document(Outline& outline, const std::string& like, const std::string& name) {
  OutlinedDataset made = *outline.find(like);
  made.path = name;
  outline.datasets.push_back(std::move(made));
}

void number_dimensions(Outline& outline, hid_t numbered, const std::string& where) {
  std::set<std::string> used;
  for (const OutlinedDataset& each : outline.datasets) {
    if (is_text_dimension(each)) continue;
    for (const std::vector<std::string>& scales : each.scales) {
      used.insert(scales.begin(), scales.end());
    }
  }
  std::erase_if(outline.datasets, [&](const OutlinedDataset& each) {
    return is_text_dimension(each) && !used.contains(each.path);
  });
  std::vector<std::pair<int, std::string>> order;
  for (const OutlinedDataset& each : outline.datasets) {
    if (each.is_scale) order.emplace_back(number_of(each, numbered, where), each.path);
  }
  std::sort(order.begin(), order.end());
  std::map<std::string, int> numbers;
  for (const auto& [old, path] : order) numbers.emplace(path, static_cast<int>(numbers.size()));
  for (OutlinedDataset& each : outline.datasets) {
    if (!each.is_scale) continue;
    each.changed.numbers["_Netcdf4Dimid"] = {numbers.at(each.path)};
    if (each.shape.size() != 2) continue;
    each.changed.numbers["_Netcdf4Coordinates"] = {numbers.at(each.path), numbers.at(each.dim(1))};
  }
}

}  // namespace explaind
