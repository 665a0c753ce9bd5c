#include "store/stored_array.hpp"

#include <utility>

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

std::vector<int64_t> chunk_of(hid_t dataset, const std::string& where) {
  const Handle list(H5Dget_create_plist(dataset), H5Pclose, where, "H5Dget_create_plist");
  if (H5Pget_layout(list.get()) != H5D_CHUNKED) return {};
  std::vector<hsize_t> extents(H5S_MAX_RANK);
  const int axes = H5Pget_chunk(list.get(), H5S_MAX_RANK, extents.data());
  check(axes, where, "H5Pget_chunk");
  return {extents.begin(), extents.begin() + axes};
}

std::vector<hsize_t> unsigned_of(const std::vector<int64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

/// A space of these extents with a hyperslab selected.
Handle selected(Handle space, const std::vector<int64_t>& start, const std::vector<int64_t>& count,
                const std::string& where) {
  check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, unsigned_of(start).data(), nullptr,
                            unsigned_of(count).data(), nullptr),
        where, "H5Sselect_hyperslab");
  return space;
}

}  // namespace

StoredArray::StoredArray(Handle dataset, std::string where)
    : dataset_(std::move(dataset)),
      where_(std::move(where)),
      chunk_(chunk_of(dataset_.get(), where_)) {}

void StoredArray::read(const Part& part, double* memory) const {
  if (part.count.empty()) {  // a single number
    check(H5Dread(dataset_.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, memory), where_,
          "reading");
    return;
  }
  const Handle file = selected({H5Dget_space(dataset_.get()), H5Sclose, where_, "H5Dget_space"},
                               part.start, part.count, where_);
  const Handle into = selected({H5Screate_simple(static_cast<int>(part.shape.size()),
                                                 unsigned_of(part.shape).data(), nullptr),
                                H5Sclose, where_, "H5Screate_simple"},
                               part.at, part.count, where_);
  check(H5Dread(dataset_.get(), H5T_NATIVE_DOUBLE, into.get(), file.get(), H5P_DEFAULT, memory),
        where_, "reading");
}

}  // namespace explaind
