#include "fuzz/targets/store_changes.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <limits>

namespace explaind::testing {
namespace {

struct Ids {
  hid_t file, object;
};

herr_t keep_attribute_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/,
                           void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

herr_t keep_object(hid_t root, const char* name, const H5O_info_t* info, void* objects) {
  if (info->type != H5O_TYPE_DATASET && std::string(name) != ".") return 0;
  StoredObject found{.path = name, .attributes = {}};
  const hid_t object = H5Oopen(root, name, H5P_DEFAULT);
  hsize_t position = 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, keep_attribute_name,
              &found.attributes);
  H5Oclose(object);
  static_cast<std::vector<StoredObject>*>(objects)->push_back(found);
  return 0;
}

/// One of the types that a file may have where another is expected. Closed by the caller.
hid_t any_type(Choices& choices) {
  constexpr size_t numbers = 8, all = numbers + 6;
  const std::array<hid_t, numbers> plain{H5T_STD_I8LE,   H5T_STD_U8LE,  H5T_STD_I32LE,
                                         H5T_STD_I64BE,  H5T_STD_U64LE, H5T_IEEE_F32LE,
                                         H5T_IEEE_F64LE, H5T_STD_B16LE};
  const size_t which = choices.below(all);
  if (which < numbers) return H5Tcopy(plain.at(which));
  if (which == numbers) {
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "r", 0, H5T_IEEE_F64LE);
    H5Tinsert(pair, "i", 8, H5T_IEEE_F64LE);
    return pair;
  }
  if (which == numbers + 1) return H5Tcreate(H5T_OPAQUE, 4);
  if (which == numbers + 2) return H5Tvlen_create(H5T_STD_I32LE);
  const hid_t text = H5Tcopy(H5T_C_S1);
  constexpr std::array<size_t, 3> lengths{1, 7, H5T_VARIABLE};
  H5Tset_size(text, lengths.at(which - numbers - 3));
  return text;
}

hid_t any_space(Choices& choices) {
  constexpr std::array<hsize_t, 8> extents{0, 1, 2, 3, 5, 37, 1000, hsize_t{1} << 40};
  std::array<hsize_t, 4> sizes{};
  const int rank = static_cast<int>(choices.below(sizes.size() + 1));
  for (int i = 0; i < rank; ++i)
    sizes.at(static_cast<size_t>(i)) = extents.at(choices.below(extents.size()));
  return rank == 0 ? H5Screate(choices.below(4) == 0 ? H5S_NULL : H5S_SCALAR)
                   : H5Screate_simple(rank, sizes.data(), nullptr);
}

void replace_dataset(hid_t file, const std::string& path, Choices& choices) {
  H5Ldelete(file, path.c_str(), H5P_DEFAULT);
  if (choices.below(8) == 0) {
    H5Gclose(H5Gcreate2(file, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    return;
  }
  const hid_t type = any_type(choices), space = any_space(choices),
              making = H5Pcreate(H5P_DATASET_CREATE);
  const int rank = H5Sget_simple_extent_ndims(space);
  const std::array<hsize_t, 4> chunk{1, 1, 1,
                                     1};  // the only form in which a huge one costs nothing
  if (rank > 0) H5Pset_chunk(making, rank, chunk.data());
  const hid_t made = H5Dcreate2(file, path.c_str(), type, space, H5P_DEFAULT, making, H5P_DEFAULT);
  if (made >= 0) H5Dclose(made);
  H5Pclose(making);
  H5Sclose(space);
  H5Tclose(type);
}

/// What HDF5's own scales are made of. Where these are broken HDF5 crashes, which the program's
/// child process finds out (store/damage.hpp), and no reader of ours.
bool is_of_scales(const std::string& name) {
  return name == "DIMENSION_LIST" || name == "REFERENCE_LIST" || name == "CLASS" || name == "NAME";
}

void set_attribute(hid_t object, const std::string& name, Choices& choices) {
  if (is_of_scales(name)) return;
  H5Adelete(object, name.c_str());
  if (choices.below(2) == 0) {
    const std::string text = choices.text();
    H5LTset_attribute_string(object, ".", name.c_str(), text.c_str());
    return;
  }
  const hid_t type = any_type(choices), space = any_space(choices);
  const hssize_t elements = H5Sget_simple_extent_npoints(space);
  if (elements < 100) {
    const hid_t made = H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
    std::array<int32_t, 100> values{};
    for (int32_t& each : values) each = static_cast<int8_t>(choices.byte());
    if (made >= 0 && H5Tget_class(type) <= H5T_FLOAT)
      H5Awrite(made, H5T_NATIVE_INT32, values.data());
    if (made >= 0) H5Aclose(made);
  }
  H5Sclose(space);
  H5Tclose(type);
}

void change_attribute(hid_t file, const StoredObject& holder, bool remove, Choices& choices) {
  if (holder.attributes.empty()) return;
  const std::string& name = holder.attributes[choices.below(holder.attributes.size())];
  const hid_t object = H5Oopen(file, holder.path.c_str(), H5P_DEFAULT);
  if (object < 0) return;
  if (!remove) {
    set_attribute(object, name, choices);
  } else if (!is_of_scales(name)) {
    H5Adelete(object, name.c_str());
  }
  H5Oclose(object);
}

/// Other values in a row of a small dataset: letters of texts, numbers that are no index.
void write_values(hid_t file, const std::string& path, Choices& choices) {
  const hid_t dataset = H5Dopen2(file, path.c_str(), H5P_DEFAULT);
  if (dataset < 0) return;
  const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  const hssize_t elements = H5Sget_simple_extent_npoints(space);
  constexpr hssize_t most = 4096;
  if (elements > 0 && elements < most && H5Tis_variable_str(type) == 0) {
    if (H5Tget_class(type) == H5T_STRING) {
      std::string texts(static_cast<size_t>(elements) * H5Tget_size(type), '\0');
      H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
      const std::string other = choices.text();
      const size_t at = choices.byte() * 16U % texts.size();
      std::copy_n(other.begin(), std::min(other.size(), texts.size() - at),
                  texts.begin() + static_cast<std::ptrdiff_t>(at));
      H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
    } else {
      constexpr double huge = 1e300;
      const std::array<double, 8> others{-1,
                                         0,
                                         1,
                                         1e9,
                                         -1e9,
                                         huge,
                                         std::numeric_limits<double>::quiet_NaN(),
                                         std::numeric_limits<double>::infinity()};
      std::vector<double> values(static_cast<size_t>(elements));
      H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
      values.at(choices.byte() * 16U % values.size()) = others.at(choices.below(others.size()));
      H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
}

/// Another scale on an axis, or none.
void change_scale(hid_t file, const std::string& path, const std::string& other, Choices& choices) {
  const hid_t dataset = H5Dopen2(file, path.c_str(), H5P_DEFAULT),
              scale = H5Dopen2(file, other.c_str(), H5P_DEFAULT);
  const auto axis = static_cast<unsigned>(choices.below(4));
  if (dataset >= 0 && scale >= 0) {
    if (choices.below(2) == 0) {
      H5DSdetach_scale(dataset, scale, axis);
    } else {
      H5DSattach_scale(dataset, scale, axis);
    }
  }
  if (scale >= 0) H5Dclose(scale);
  if (dataset >= 0) H5Dclose(dataset);
}

void change(hid_t file, std::span<const StoredObject> objects, Choices& choices) {
  const StoredObject& chosen = objects[choices.below(objects.size())];
  const StoredObject& other = objects[choices.below(objects.size())];
  const size_t what = choices.below(8);
  if (what <= 2) {
    change_attribute(file, chosen, what == 0, choices);
  } else if (what == 3) {
    H5Ldelete(file, chosen.path.c_str(), H5P_DEFAULT);
  } else if (what == 4) {
    replace_dataset(file, chosen.path, choices);
  } else if (what == 5) {
    write_values(file, chosen.path, choices);
  } else if (what == 6) {
    H5Ldelete(file, other.path.c_str(), H5P_DEFAULT);
    H5Lmove(file, chosen.path.c_str(), file, other.path.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  } else {
    change_scale(file, chosen.path, other.path, choices);
  }
}

}  // namespace

uint8_t Choices::byte() {
  if (bytes_.empty()) return 0;
  const auto first = static_cast<uint8_t>(bytes_.front());
  bytes_.remove_prefix(1);
  return first;
}

std::string Choices::text() {
  const size_t size = std::min<size_t>(byte(), bytes_.size());
  const std::string text(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return text;
}

std::vector<StoredObject> objects_of(const std::filesystem::path& file) {
  std::vector<StoredObject> objects;
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  H5Ovisit(opened, H5_INDEX_NAME, H5_ITER_INC, keep_object, &objects);
  H5Fclose(opened);
  return objects;
}

void change_store(const std::filesystem::path& file, std::span<const StoredObject> objects,
                  Choices& choices) {
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  if (opened < 0) return;
  constexpr int most = 8;
  for (int i = 0; i < most && choices.left(); ++i) change(opened, objects, choices);
  H5Fclose(opened);
}

}  // namespace explaind::testing
