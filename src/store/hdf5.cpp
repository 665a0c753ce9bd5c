#include "store/hdf5.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <numeric>

#include "core/error.hpp"

namespace explaind::hdf5 {
namespace {

constexpr size_t largest_call = size_t{1} << 30;

/// Keeps the innermost entry of the error stack.
herr_t keep_innermost(unsigned depth, const H5E_error2_t* entry, void* text) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

/// HDF5 tells of a call of the system its time, descriptor, buffer and offset too. This is what was
/// done, and what the system said: "file read failed: Input/output error".
std::string without_particulars(const std::string& text) {
  const std::string begins = "error message = '";
  const size_t done = text.find(": time = "), said = text.find(begins);
  if (done == std::string::npos || said == std::string::npos) return text;
  const size_t from = said + begins.size();
  return text.substr(0, done) + ": " + text.substr(from, text.find('\'', from) - from);
}

/// What the system said of the call that failed; empty where HDF5 names it, or it is of no disk.
/// MPI tells HDF5 that a write failed and not why.
std::string cause_of(int code, const std::string& innermost) {
  constexpr std::array of_disks{ENOSPC, EDQUOT, EIO, EFBIG, EROFS, ESTALE};
  if (std::find(of_disks.begin(), of_disks.end(), code) == of_disks.end()) return "";
  const std::string words = std::strerror(code);
  return innermost.find(words) == std::string::npos ? ": " + words : "";
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  const int code = errno;
  std::string innermost;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &innermost);
  innermost = without_particulars(innermost);
  const std::string cause = cause_of(code, innermost);
  const bool cut = innermost.find("truncated file") != std::string::npos;
  throw DataError(where,
                  what + " failed" + cause + (innermost.empty() ? "" : " (" + innermost + ")"),
                  cut ? "The file's end is missing, as in a copy that was cut short or is still "
                        "under way. Copy it again"
                      : "Check free space, quota and permissions of the file system");
}

/// Calls `move(slab, offset in bytes)` for pieces of at most 1 GiB, cut along the first dimension
/// that has more than one entry.
void in_pieces(const Slab& slab, size_t element, size_t offset,
               const std::function<void(const Slab&, size_t)>& move) {
  const size_t bytes = std::accumulate(slab.count.begin(), slab.count.end(), element,
                                       [](size_t a, hsize_t b) { return a * b; });
  const auto longest =
      std::find_if(slab.count.begin(), slab.count.end(), [](hsize_t n) { return n > 1; });
  if (bytes <= largest_call || longest == slab.count.end()) {
    if (bytes > 0) move(slab, offset);
    return;
  }
  const auto axis = static_cast<size_t>(longest - slab.count.begin());
  Slab first = slab, second = slab;
  first.count[axis] = slab.count[axis] / 2;
  second.count[axis] = slab.count[axis] - first.count[axis];
  second.start[axis] += first.count[axis];
  in_pieces(first, element, offset, move);
  in_pieces(second, element, offset + bytes / slab.count[axis] * first.count[axis], move);
}

template <typename Info>
herr_t keep_name(hid_t /*object*/, const char* name, const Info* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

/// File and memory dataspaces of one piece.
std::pair<Handle, Handle> spaces(hid_t dataset, const Slab& slab, const std::string& where) {
  Handle file(H5Dget_space(dataset), H5Sclose, where, "H5Dget_space");
  check(H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, slab.start.data(), nullptr,
                            slab.count.data(), nullptr),
        where, "H5Sselect_hyperslab");
  Handle memory(H5Screate_simple(static_cast<int>(slab.count.size()), slab.count.data(), nullptr),
                H5Sclose, where, "H5Screate_simple");
  return {std::move(file), std::move(memory)};
}

}  // namespace

Handle::Handle(hid_t id, Close closer, const std::string& where, const std::string& what)
    : id_(id), close_(closer) {
  if (id_ < 0) fail(where, what);
}

void Handle::close(const std::string& where, const std::string& what) {
  if (id_ < 0) return;
  errno = 0;
  if (close_(std::exchange(id_, H5I_INVALID_HID)) < 0) fail(where, what);
}

void check(herr_t status, const std::string& where, const std::string& what) {
  if (status < 0) fail(where, what);
}

std::vector<std::string> names_in(hid_t group, const std::string& where) {
  std::vector<std::string> names;
  check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_name<H5L_info_t>, &names),
        where, "listing what is in it");
  return names;
}

std::vector<std::string> attribute_names(hid_t object, const std::string& where) {
  std::vector<std::string> names;
  hsize_t position = 0;
  check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, keep_name<H5A_info_t>, &names),
        where, "listing attributes");
  return names;
}

void silence() {
  H5dont_atexit();  // refused where HDF5 has begun already
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void write_slab(hid_t dataset, hid_t memory_type, const Slab& slab, const void* data,
                const std::string& where) {
  in_pieces(slab, H5Tget_size(memory_type), 0, [&](const Slab& piece, size_t offset) {
    const auto [file, memory] = spaces(dataset, piece, where);
    errno = 0;
    check(H5Dwrite(dataset, memory_type, memory.get(), file.get(), H5P_DEFAULT,
                   static_cast<const char*>(data) + offset),
          where, "writing");
  });
}

void read_slab(hid_t dataset, hid_t memory_type, const Slab& slab, void* data,
               const std::string& where) {
  in_pieces(slab, H5Tget_size(memory_type), 0, [&](const Slab& piece, size_t offset) {
    const auto [file, memory] = spaces(dataset, piece, where);
    check(H5Dread(dataset, memory_type, memory.get(), file.get(), H5P_DEFAULT,
                  static_cast<char*>(data) + offset),
          where, "reading");
  });
}

}  // namespace explaind::hdf5
