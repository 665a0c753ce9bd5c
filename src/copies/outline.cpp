#include "copies/outline.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <map>

#include "core/error.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

/// Paths without the slash at their beginning.
std::string path_of(hid_t object) {
  std::string path(static_cast<size_t>(std::max<ssize_t>(0, H5Iget_name(object, nullptr, 0))),
                   '\0');
  H5Iget_name(object, path.data(), path.size() + 1);
  return path.rfind('/', 0) == 0 ? path.substr(1) : path;
}

/// Visits a file's objects by name.
class OutlineReader {
 public:
  OutlineReader(hid_t file, const std::string& where) : file_(file), where_(where) {}

  Outline run() {
    visit_group("");
    return std::move(outline_);
  }

 private:
  void visit_group(const std::string& path) {
    const Handle group(H5Gopen2(file_, path.empty() ? "/" : path.c_str(), H5P_DEFAULT), H5Gclose,
                       where_, "opening " + path);
    for (const std::string& name : hdf5::names_in(group.get(), where_))
      visit(path.empty() ? name : path + "/" + name);
  }

  void visit(const std::string& path) {
    H5L_info_t link = {};
    check(H5Lget_info(file_, path.c_str(), &link, H5P_DEFAULT), where_, "reading link " + path);
    if (link.type == H5L_TYPE_SOFT) {
      std::string target(link.u.val_size, '\0');
      check(H5Lget_val(file_, path.c_str(), target.data(), target.size(), H5P_DEFAULT), where_,
            "reading link " + path);
      outline_.links.push_back({.path = path, .target = target.c_str(), .soft = true});
      return;
    }
    if (link.type != H5L_TYPE_HARD) {
      throw DataError(where_, path + " lies in another file",
                      "Copy the store into one file (h5repack, nccopy), and use that");
    }
    const auto [known, is_new] = seen_.emplace(link.u.address, path);
    if (!is_new) {
      outline_.links.push_back({.path = path, .target = known->second, .soft = false});
      return;
    }
    const Handle object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), H5Oclose, where_,
                        "opening " + path);
    const H5I_type_t kind = H5Iget_type(object.get());
    if (kind == H5I_DATASET) {
      outline_.datasets.push_back(dataset(object.get(), path));
    } else if (kind == H5I_GROUP) {
      outline_.groups.push_back(path);
      visit_group(path);
    } else {
      throw DataError(where_, path + " is neither a group nor a dataset",
                      "Remove it with the program that added it");
    }
  }

  [[nodiscard]] OutlinedDataset dataset(hid_t id, const std::string& path) const {
    OutlinedDataset found{.path = path, .source = path, .shape = {}, .scales = {}};
    const Handle space(H5Dget_space(id), H5Sclose, where_, "H5Dget_space");
    found.shape.resize(static_cast<size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
    H5Sget_simple_extent_dims(space.get(), found.shape.data(), nullptr);
    H5D_space_status_t status = H5D_SPACE_STATUS_ALLOCATED;
    check(H5Dget_space_status(id, &status), where_, "H5Dget_space_status");
    found.stored = status != H5D_SPACE_STATUS_NOT_ALLOCATED;
    found.is_scale = H5DSis_scale(id) > 0;
    found.scales = scales_of(id, found.shape.size());
    if (found.is_scale && !found.shape.empty()) found.scales.front() = {path};
    return found;
  }

  /// From the attribute itself: HDF5 tells the scales of none that is a scale too, and texts that
  /// are the labels of a dimension have one along their characters.
  [[nodiscard]] std::vector<std::vector<std::string>> scales_of(hid_t id, size_t axes) const {
    std::vector<std::vector<std::string>> scales(axes);
    if (axes == 0 || H5Aexists(id, "DIMENSION_LIST") <= 0) return scales;
    const Handle attribute(H5Aopen(id, "DIMENSION_LIST", H5P_DEFAULT), H5Aclose, where_,
                           "opening DIMENSION_LIST");
    const Handle space(H5Aget_space(attribute.get()), H5Sclose, where_, "H5Aget_space");
    if (H5Sget_simple_extent_npoints(space.get()) != static_cast<hssize_t>(axes)) return scales;
    const Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, where_, "H5Tvlen_create");
    std::vector<hvl_t> lists(axes);
    check(H5Aread(attribute.get(), type.get(), lists.data()), where_, "reading DIMENSION_LIST");
    for (size_t axis = 0; axis < axes; ++axis) {
      for (size_t i = 0; i < lists[axis].len; ++i) {
        const auto* references = static_cast<const hobj_ref_t*>(lists[axis].p);
        const Handle scale(H5Rdereference2(id, H5P_DEFAULT, H5R_OBJECT, &references[i]), H5Oclose,
                           where_, "finding a scale");
        scales[axis].push_back(path_of(scale.get()));
      }
    }
    check(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, lists.data()), where_,
          "H5Dvlen_reclaim");
    return scales;
  }

  hid_t file_;
  const std::string& where_;
  Outline outline_;
  std::map<haddr_t, std::string> seen_;
};

}  // namespace

std::string OutlinedDataset::dim(size_t axis) const {
  return scales.at(axis).empty() ? "" : scales.at(axis).front();
}

size_t OutlinedDataset::axis_of(const std::string& name) const {
  size_t axis = 0;
  while (axis < shape.size() && dim(axis) != name) ++axis;
  return axis;
}

OutlinedDataset* Outline::find(const std::string& path) {
  const auto found = std::find_if(datasets.begin(), datasets.end(),
                                  [&](const auto& each) { return each.path == path; });
  return found == datasets.end() ? nullptr : &*found;
}

const OutlinedDataset* Outline::find(const std::string& path) const {
  const auto found = std::find_if(datasets.begin(), datasets.end(),
                                  [&](const auto& each) { return each.path == path; });
  return found == datasets.end() ? nullptr : &*found;
}

Outline outline_of(hid_t file, const std::string& where) {
  return OutlineReader(file, where).run();
}

}  // namespace explaind
