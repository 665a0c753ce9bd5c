#include "store/structure_walk.hpp"

#include <fmt/format.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5.hpp"
#include "store/hdf5_text.hpp"

namespace explaind {
namespace {

using hdf5::Handle;

herr_t name_scale(hid_t /*dataset*/, unsigned /*axis*/, hid_t scale, void* /*unused*/) {
  std::array<char, 256> name{};
  H5Iget_name(scale, name.data(), name.size());
  return 0;
}

/// The bytes that the extent of a dataset asks for; 0 where it has none.
double bytes_asked(hid_t type, hid_t space) {
  constexpr size_t reference_bytes = 4 + 8 + 4;  // a text elsewhere: length, address, index
  const size_t each = H5Tis_variable_str(type) > 0 ? reference_bytes : H5Tget_size(type);
  std::vector<hsize_t> shape(static_cast<size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  if (H5Sget_simple_extent_dims(space, shape.data(), nullptr) < 0) return 0;
  auto bytes = static_cast<double>(each);  // may exceed any integer
  for (const hsize_t length : shape) bytes *= static_cast<double>(length);
  return bytes;
}

class StructureWalk {
 public:
  StructureWalk(const std::filesystem::path& file,
                const std::function<void(const std::string&)>& at)
      : where_(file.string()),
        at_(at),
        file_bytes_(static_cast<double>(std::filesystem::file_size(file))),
        file_(H5Fopen(where_.c_str(), H5F_ACC_RDONLY, hdf5::unlocked_access().get()), H5Fclose,
              where_, "opening") {}

  std::string run() {
    at_("/");
    const Handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose, where_, "opening");
    visit_attributes(root.get());
    visit_group(root.get(), "");
    return complaint_;
  }

 private:
  void visit_group(hid_t group, const std::string& path) {
    for (const std::string& name : hdf5::names_in(group, where_)) {
      const std::string below = path.empty() ? name : path + "/" + name;
      at_(below);
      try {
        visit(group, name, below);
      } catch (const DataError&) {
        // Said where it is read.
      }
    }
  }

  void visit(hid_t group, const std::string& name, const std::string& path) {
    H5L_info_t link = {};
    if (H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) {
      return;  // what lies in another file is not this one's
    }
    if (!seen_.insert(link.u.address).second) return;  // under another name
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose, where_, path);
    visit_attributes(object.get());
    const H5I_type_t kind = H5Iget_type(object.get());
    if (kind == H5I_GROUP) visit_group(object.get(), path);
    if (kind == H5I_DATASET) visit_dataset(object.get(), path);
  }

  void visit_attributes(hid_t object) const {
    try {
      for (const std::string& name : hdf5::attribute_names(object, where_)) {
        static_cast<void>(hdf5::read_attribute(object, name, where_));
      }
    } catch (const DataError&) {
      // Said where it is read.
    }
  }

  void visit_dataset(hid_t dataset, const std::string& path) {
    const Handle type(H5Dget_type(dataset), H5Tclose, where_, path);
    const Handle space(H5Dget_space(dataset), H5Sclose, where_, path);
    const Handle made(H5Dget_create_plist(dataset), H5Pclose, where_, path);
    const auto stored = static_cast<double>(H5Dget_storage_size(dataset));  // visits all chunks
    if (H5Pget_layout(made.get()) == H5D_CONTIGUOUS && stored > 0) {
      expect_bytes(path, bytes_asked(type.get(), space.get()), stored, H5Dget_offset(dataset));
    }
    const int axes = H5Sget_simple_extent_ndims(space.get());
    if (H5DSis_scale(dataset) <= 0) {
      for (int axis = 0; axis < axes; ++axis) {
        H5DSiterate_scales(dataset, static_cast<unsigned>(axis), nullptr, name_scale, nullptr);
      }
    }
    const bool pointers = H5Tis_variable_str(type.get()) > 0;
    if (pointers && complaint_.empty()) static_cast<void>(hdf5::read_texts(dataset, where_));
  }

  void expect_bytes(const std::string& path, double asked, double stored, haddr_t offset) {
    if (!complaint_.empty()) return;
    if (asked != stored) {
      complaint_ = fmt::format("{} has a shape of {}, and {} are stored of it", path,
                               format_bytes(asked), format_bytes(stored));
    } else if (static_cast<double>(offset) + stored > file_bytes_) {
      complaint_ = fmt::format("{} reaches beyond the end of the file", path);
    }
  }

  std::string where_;
  const std::function<void(const std::string&)>& at_;
  double file_bytes_;
  Handle file_;
  std::set<haddr_t> seen_;
  std::string complaint_;
};

}  // namespace

std::string walk_structure(const std::filesystem::path& file,
                           const std::function<void(const std::string& object)>& at) {
  hdf5::silence();
  return StructureWalk(file, at).run();
}

}  // namespace explaind
