#include "copies/outlined_file.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/error.hpp"
#include "store/file_lock.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

/// What HDF5 keeps of scales and the axes that they are attached to: made anew, since it points
/// into the file.
bool is_of_scales(const std::string& attribute) {
  return attribute == "DIMENSION_LIST" || attribute == "REFERENCE_LIST";
}

class OutlinedFileMaker {
 public:
  OutlinedFileMaker(const std::filesystem::path& path, const Outline& outline,
                    const NamedFile& original)
      : outline_(outline), original_(original) {
    file_.path = path.string();
    Handle access = hdf5::unlocked_access();
    // HDF5's structures lie together, so that they are read in few requests; of a small file all
    // is.
    constexpr uintmax_t small = uintmax_t{1} << 20;
    if (std::filesystem::file_size(original.path) > small) {
      check(H5Pset_meta_block_size(access.get(), uint64_t{2048} * (4 + outline.datasets.size())),
            file_.path, "H5Pset_meta_block_size");
    }
    file_.handle = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()),
                          H5Fclose, file_.path, "creating the file");
  }

  NamedFile run(const std::function<Storage(const OutlinedDataset&)>& storage_of) {
    for (const std::string& group : outline_.groups) {
      const Handle made(
          H5Gcreate2(file_.handle.get(), group.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
          H5Gclose, file_.path, "creating " + group);
    }
    for (const OutlinedDataset& each : outline_.datasets) make(each, storage_of(each));
    for (const OutlinedLink& each : outline_.links) make(each);
    copy_attributes("/", "/", outline_.changed);
    for (const std::string& group : outline_.groups) copy_attributes(group, group, {});
    for (const OutlinedDataset& each : outline_.datasets) {
      copy_attributes(each.source, each.path, each.changed);
    }
    attach_scales();
    return std::move(file_);
  }

 private:
  void make(const OutlinedDataset& dataset, const Storage& storage) {
    const Handle source = open_dataset(original_, dataset.source);
    const Handle type(dataset.wide ? H5Tcopy(H5T_STD_I64LE) : H5Dget_type(source.get()), H5Tclose,
                      file_.path, "H5Dget_type");
    const Handle space(dataset.shape.empty()
                           ? H5Screate(H5S_SCALAR)
                           : H5Screate_simple(static_cast<int>(dataset.shape.size()),
                                              dataset.shape.data(), nullptr),
                       H5Sclose, file_.path, "H5Screate");
    const Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, file_.path, "H5Pcreate");
    const hid_t made = list.get();
    check(H5Pset_obj_track_times(made, false), file_.path, "H5Pset_obj_track_times");
    copy_fill_value(source.get(), type.get(), made);
    if (!storage.chunk.empty()) {
      check(H5Pset_chunk(made, static_cast<int>(storage.chunk.size()), storage.chunk.data()),
            file_.path, "H5Pset_chunk");
      // What of a chunk lies beyond the array's end is then the same in every copy.
      check(H5Pset_fill_time(made, H5D_FILL_TIME_ALLOC), file_.path, "H5Pset_fill_time");
      if (storage.deflate > 0) {
        check(H5Pset_shuffle(made), file_.path, "H5Pset_shuffle");
        check(H5Pset_deflate(made, static_cast<unsigned>(storage.deflate)), file_.path,
              "H5Pset_deflate");
      }
    } else if (dataset.stored && H5Tdetect_class(type.get(), H5T_VLEN) <= 0 &&
               H5Tis_variable_str(type.get()) <= 0) {
      check(H5Pset_alloc_time(made, H5D_ALLOC_TIME_EARLY), file_.path, "H5Pset_alloc_time");
      check(H5Pset_fill_time(made, H5D_FILL_TIME_NEVER), file_.path, "H5Pset_fill_time");
    }
    const Handle created(H5Dcreate2(file_.handle.get(), dataset.path.c_str(), type.get(),
                                    space.get(), H5P_DEFAULT, made, H5P_DEFAULT),
                         H5Dclose, file_.path, "creating " + dataset.path);
  }

  void copy_fill_value(hid_t source, hid_t type, hid_t list) const {
    const Handle old(H5Dget_create_plist(source), H5Pclose, file_.path, "H5Dget_create_plist");
    H5D_fill_value_t kind = H5D_FILL_VALUE_UNDEFINED;
    check(H5Pfill_value_defined(old.get(), &kind), file_.path, "H5Pfill_value_defined");
    if (kind != H5D_FILL_VALUE_USER_DEFINED || H5Tis_variable_str(type) > 0) return;
    std::vector<char> value(H5Tget_size(type));
    check(H5Pget_fill_value(old.get(), type, value.data()), file_.path, "H5Pget_fill_value");
    check(H5Pset_fill_value(list, type, value.data()), file_.path, "H5Pset_fill_value");
  }

  void make(const OutlinedLink& link) {
    const hid_t file = file_.handle.get();
    check(link.soft ? H5Lcreate_soft(link.target.c_str(), file, link.path.c_str(), H5P_DEFAULT,
                                     H5P_DEFAULT)
                    : H5Lcreate_hard(file, link.target.c_str(), file, link.path.c_str(),
                                     H5P_DEFAULT, H5P_DEFAULT),
          file_.path, "linking " + link.path);
  }

  void copy_attributes(const std::string& from, const std::string& to,
                       const ChangedAttributes& changed) {
    const Handle source = object(original_, from), target = object(file_, to);
    const std::vector<std::string> names = hdf5::attribute_names(source.get(), original_.path);
    for (const std::string& name : names) {
      if (!is_of_scales(name) && !write_changed(target.get(), name, changed)) {
        copy_attribute(source.get(), target.get(), name);
      }
    }
    const std::set<std::string> there(names.begin(), names.end());
    for (const auto& [name, text] : changed.texts) {
      if (!there.contains(name)) write_changed(target.get(), name, changed);
    }
    for (const auto& [name, values] : changed.numbers) {
      if (!there.contains(name)) write_changed(target.get(), name, changed);
    }
  }

  /// False where it is not changed.
  bool write_changed(hid_t target, const std::string& name,
                     const ChangedAttributes& changed) const {
    const auto text = changed.texts.find(name);
    if (text != changed.texts.end()) {
      write_text(target, name, text->second);
      return true;
    }
    const auto values = changed.numbers.find(name);
    if (values == changed.numbers.end()) return false;
    // One number has no axis, as netCDF writes the number of a dimension.
    const hsize_t count = values->second.size();
    const Handle space(count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr),
                       H5Sclose, file_.path, "H5Screate");
    write(target, name, H5T_STD_I32LE, space.get(), H5T_NATIVE_INT, values->second.data());
    return true;
  }

  void copy_attribute(hid_t source, hid_t target, const std::string& name) const {
    const Handle attribute(H5Aopen(source, name.c_str(), H5P_DEFAULT), H5Aclose, original_.path,
                           "opening attribute " + name);
    const Handle type(H5Aget_type(attribute.get()), H5Tclose, original_.path, "H5Aget_type");
    const Handle space(H5Aget_space(attribute.get()), H5Sclose, original_.path, "H5Aget_space");
    if (H5Tdetect_class(type.get(), H5T_REFERENCE) > 0) {
      throw DataError(original_.path, "its attribute " + name + " refers to other objects",
                      "Remove it, or copy the store with h5repack");
    }
    const auto entries = std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get()));
    std::vector<char> value(static_cast<size_t>(entries) * H5Tget_size(type.get()));
    if (entries > 0) {
      check(H5Aread(attribute.get(), type.get(), value.data()), original_.path,
            "reading attribute " + name);
    }
    write(target, name, type.get(), space.get(), type.get(), value.data());
    const bool points =
        H5Tdetect_class(type.get(), H5T_VLEN) > 0 || H5Tis_variable_str(type.get()) > 0;
    if (points && entries > 0) {
      check(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, value.data()), original_.path,
            "H5Dvlen_reclaim");
    }
  }

  void write_text(hid_t target, const std::string& name, const std::string& text) const {
    if (name == "NAME") {  // of a scale: in the form that HDF5 gives it
      check(H5LTset_attribute_string(target, ".", name.c_str(), text.c_str()), file_.path,
            "naming a scale");
      return;
    }
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose, file_.path, "H5Tcopy");
    check(H5Tset_size(type.get(), std::max<size_t>(1, text.size())), file_.path, "H5Tset_size");
    check(H5Tset_cset(type.get(), H5T_CSET_UTF8), file_.path, "H5Tset_cset");
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose, file_.path, "H5Screate");
    write(target, name, type.get(), space.get(), type.get(), text.c_str());
  }

  void write(hid_t target, const std::string& name, hid_t type, hid_t space, hid_t memory_type,
             const void* value) const {
    const Handle made(H5Acreate2(target, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                      H5Aclose, file_.path, "creating attribute " + name);
    if (H5Sget_simple_extent_npoints(space) < 1) return;
    check(H5Awrite(made.get(), memory_type, value), file_.path, "writing attribute " + name);
  }

  /// Those of scales come last: HDF5 attaches nothing to a scale that has scales.
  void attach_scales() {
    for (const OutlinedDataset& each : outline_.datasets) {
      if (each.is_scale) continue;
      const Handle dataset = open_dataset(file_, each.path);
      for (unsigned axis = 0; axis < each.shape.size(); ++axis) {
        for (const std::string& scale : each.scales[axis]) {
          check(H5DSattach_scale(dataset.get(), open_dataset(file_, scale).get(), axis), file_.path,
                "H5DSattach_scale");
        }
      }
    }
    for (const OutlinedDataset& each : outline_.datasets) {
      if (each.is_scale && each.shape.size() == 2 && !each.scales[1].empty()) {
        attach_second_axis(each.path, each.scales[1].front());
      }
    }
  }

  /// Along the characters of texts that are labels.
  void attach_second_axis(const std::string& labels, const std::string& dim) const {
    const Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, file_.path, "H5Tvlen_create");
    hobj_ref_t scale{};
    check(H5Rcreate(&scale, file_.handle.get(), dim.c_str(), H5R_OBJECT, H5I_INVALID_HID),
          file_.path, "H5Rcreate");
    const std::array<hvl_t, 2> lists{hvl_t{0, nullptr}, hvl_t{1, &scale}};
    const hsize_t axes = lists.size();
    const Handle space(H5Screate_simple(1, &axes, nullptr), H5Sclose, file_.path, "H5Screate");
    write(open_dataset(file_, labels).get(), "DIMENSION_LIST", type.get(), space.get(), type.get(),
          lists.data());
  }

  [[nodiscard]] static Handle object(const NamedFile& file, const std::string& path) {
    return {H5Oopen(file.handle.get(), path.c_str(), H5P_DEFAULT), H5Oclose, file.path,
            "opening " + path};
  }

  const Outline& outline_;
  const NamedFile& original_;
  NamedFile file_;
};

}  // namespace

NamedFile make_outlined_file(const std::filesystem::path& path, const Outline& outline,
                             const NamedFile& original,
                             const std::function<Storage(const OutlinedDataset&)>& storage_of) {
  return OutlinedFileMaker(path, outline, original).run(storage_of);
}

void close_file(NamedFile& file) {
  // An id that leaked would let H5Fclose succeed without writing metadata.
  if (H5Fget_obj_count(file.handle.get(), H5F_OBJ_ALL) != 1) {
    throw Error(file.path, "an HDF5 identifier was left open", "This is a defect: report it");
  }
  file.handle.close(file.path, "closing the file");
}

NamedFile open_to_read(const std::filesystem::path& path) {
  NamedFile file{.path = path.string(), .handle = {}};
  file.handle = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, hdf5::reading_access(path).get()),
                       H5Fclose, file.path, "opening");
  return file;
}

Handle open_dataset(const NamedFile& file, const std::string& path) {
  return {H5Dopen2(file.handle.get(), path.c_str(), H5P_DEFAULT), H5Dclose, file.path,
          "opening " + path};
}

std::vector<hsize_t> chunk_of(const Handle& dataset, const std::string& where) {
  const Handle list(H5Dget_create_plist(dataset.get()), H5Pclose, where, "H5Dget_create_plist");
  if (H5Pget_layout(list.get()) != H5D_CHUNKED) return {};
  std::vector<hsize_t> extents(H5S_MAX_RANK);
  const int axes = H5Pget_chunk(list.get(), H5S_MAX_RANK, extents.data());
  check(axes, where, "H5Pget_chunk");
  extents.resize(static_cast<size_t>(axes));
  return extents;
}

size_t width_of(const Handle& dataset, const std::string& where) {
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, where, "H5Dget_type");
  return H5Tis_variable_str(type.get()) > 0 ? 0 : H5Tget_size(type.get());
}

}  // namespace explaind
