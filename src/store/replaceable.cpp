#include "store/replaceable.hpp"

#include "core/error.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5.hpp"

namespace explaind {

bool is_influence_store(const std::filesystem::path& path) {
  hdf5::silence();
  if (!std::filesystem::is_regular_file(path) || H5Fis_hdf5(path.c_str()) <= 0) return false;
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, hdf5::unlocked_access().get());
  if (file < 0) return false;
  const bool found = H5Aexists(file, "store_version") > 0;
  H5Fclose(file);
  return found;
}

void require_replaceable(const std::filesystem::path& path, bool overwrite,
                         const std::string& named_by, bool resumes) {
  if (!std::filesystem::exists(path)) return;
  if (!overwrite) {
    throw DataError(path.string(), "the store exists",
                    (resumes ? "Use --resume to go on with it, --overwrite to replace it, or "
                               "another "
                             : "Use --overwrite to replace it, or another ") +
                        named_by);
  }
  if (!is_influence_store(path)) {
    throw DataError(path.string(), "is no influence store, so --overwrite does not replace it",
                    "Remove it, or choose another " + named_by);
  }
}

}  // namespace explaind
