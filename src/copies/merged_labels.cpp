#include "copies/merged_labels.hpp"

#include <fmt/format.h>

#include <sstream>
#include <string>

#include "core/error.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5.hpp"
#include "store/label_checksums.hpp"

namespace explaind {
namespace {

using hdf5::Handle;

std::string attribute_of(const StoreReader& store, const std::string& wanted) {
  for (const auto& [name, text] : store.attributes()) {
    if (name == wanted) return text;
  }
  return "";
}

std::string checksums_of_own_labels(const StoreReader& store) {
  std::string text;
  std::istringstream words(attribute_of(store, label_checksums_attribute));
  for (std::string name, of_another; words >> name >> of_another;) {  // in the order of the store
    if (!store.has(name)) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", name, label_checksum(store, name));
  }
  return text;
}

}  // namespace

void require_intact_labels(const MergeSource& source) {
  for (const auto& [name, crc] : stored_label_checksums(source.store)) {
    if (!source.store.has(name) || label_checksum(source.store, name) == crc) continue;
    throw DataError(source.name(), "damaged: '" + name + "' is not what it was when it was written",
                    "Copy the store again, from where it is whole");
  }
}

void renew_label_checksums(const std::filesystem::path& path) {
  const std::string where = path.string();
  const std::string text = checksums_of_own_labels(StoreReader(path));
  if (text.empty()) return;
  Handle file(H5Fopen(where.c_str(), H5F_ACC_RDWR, hdf5::unlocked_access().get()), H5Fclose, where,
              "opening");
  hdf5::check(H5Adelete(file.get(), label_checksums_attribute), where, "deleting an attribute");
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, where, "H5Screate");
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose, where, "H5Tcopy");
  hdf5::check(H5Tset_size(type.get(), text.size()), where, "H5Tset_size");
  hdf5::check(H5Tset_cset(type.get(), H5T_CSET_UTF8), where, "H5Tset_cset");
  Handle made(H5Acreate2(file.get(), label_checksums_attribute, type.get(), space.get(),
                         H5P_DEFAULT, H5P_DEFAULT),
              H5Aclose, where, "creating an attribute");
  hdf5::check(H5Awrite(made.get(), type.get(), text.data()), where, "writing an attribute");
  made.close(where, "closing an attribute");
  file.close(where, "closing");
}

}  // namespace explaind
