#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "core/synced.hpp"
#include "scores/certificates.hpp"
#include "store/crc32.hpp"
#include "store/dense_writer.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5.hpp"
#include "store/influence_store.hpp"
#include "store/layout.hpp"
#include "store/rows_checksum.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;

/// A variable's bytes of one tile, as they will lie in the file.
struct TileBytes {
  const void* data;
  size_t size;
};

template <typename T>
TileBytes bytes_of(const std::vector<T>& values) {
  return {values.data(), values.size() * sizeof(T)};
}

/// Why a store cannot be written, as its disk says when it is asked once more: MPI says that a
/// write failed, and not why. Writes the first byte again, which is the same in every HDF5 file.
std::string cause_of_disk(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  char first = 0;
  const bool written = descriptor >= 0 && pread(descriptor, &first, 1, 0) == 1 &&
                       pwrite(descriptor, &first, 1, 0) == 1 && fsync(descriptor) == 0;
  const int failure = errno;
  if (descriptor >= 0) ::close(descriptor);
  return written ? "" : std::strerror(failure);
}

/// Runs `action`; to an error of HDF5 that does not say it the cause is added.
template <typename Action>
void with_cause(const std::string& path, Action action) {
  try {
    action();
  } catch (const DataError& error) {
    const std::string said = error.what(), cause = cause_of_disk(path);
    if (cause.empty() || said.find(cause) != std::string::npos) throw;
    throw DataError("", said, "The disk says: " + cause);
  }
}

/// The file as the ranks of a group have opened it. Closing is collective: where a rank gives up
/// the others may never come, so that it leaves a shared file open.
class SharedFile {
 public:
  SharedFile() = default;
  SharedFile(Handle file, int ranks) : file_(std::move(file)), ranks_(ranks) {}
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  SharedFile(SharedFile&&) = delete;
  SharedFile& operator=(SharedFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(ranks_, other.ranks_);
    return *this;
  }
  ~SharedFile() {
    if (ranks_ > 1) file_.release();
  }

  [[nodiscard]] hid_t get() const { return file_.get(); }
  void close(const std::string& where) { file_.close(where, "closing"); }
  void leave_open() { file_.release(); }

 private:
  Handle file_;
  int ranks_ = 1;
};

}  // namespace

struct StoreWriter::State {
  std::string where;
  StoreSchema schema;
  Communicator group;  ///< its own duplicate
  FileLock lock;
  SharedFile file;
  std::vector<Variable> scores, certificates;
  std::vector<Handle> score_sets, certificate_sets;  ///< datasets of these
  DenseWriter dense;
  Handle committed, checksum, seconds;
  std::chrono::steady_clock::time_point flushed = std::chrono::steady_clock::now();

  State(const std::filesystem::path& path, const StoreSchema& fixed, const Communicator& comm)
      : where(path.string()), schema(fixed), group(comm.get()), lock(path) {
    hdf5::silence();
    Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, where, "H5Pcreate");
    check(H5Pset_fapl_mpio(access.get(), group.get(), MPI_INFO_NULL), where, "H5Pset_fapl_mpio");
    check(H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG), where, "H5Pset_fclose_degree");
    file = SharedFile(
        Handle(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose, where, "opening"),
        group.size());
    scores = score_variables(schema);
    certificates = certificate_variables(schema);
    for (const Variable& variable : scores) score_sets.push_back(open(variable.name));
    for (const Variable& variable : certificates) certificate_sets.push_back(open(variable.name));
    dense = DenseWriter(file.get(), schema, where);
    committed = open("committed");
    checksum = open("provenance/checksum");
    seconds = open("provenance/seconds");
  }

  [[nodiscard]] Handle open(const std::string& name) const {
    return {H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose, where, "opening " + name};
  }

  /// All but those of single scalars.
  [[nodiscard]] std::vector<Handle*> datasets() {
    std::vector<Handle*> all{&committed, &checksum, &seconds};
    for (auto* handles : {&score_sets, &certificate_sets}) {
      for (Handle& handle : *handles) all.push_back(&handle);
    }
    return all;
  }

  /// psi, the tile's parts, psi_abs and balance, in the order of `scores`.
  [[nodiscard]] std::vector<const std::vector<double>*> scores_of(const ScoreTile& tile) const {
    std::vector<const std::vector<double>*> found{&tile.psi};
    for (const Part part : all_parts) {
      if (kept_part(schema, part) == nullptr) continue;
      const auto here = std::find_if(tile.parts.begin(), tile.parts.end(),
                                     [&](const PartScores& each) { return each.part == part; });
      if (here == tile.parts.end()) {
        throw Error(where, "a unit came without " + variable_of(part),
                    "This is a defect: report it");
      }
      found.push_back(&here->scores);
    }
    if (schema.dense) found.push_back(&tile.psi_abs);
    if (schema.balance) found.push_back(&tile.balance);
    return found;
  }

  /// Writes the rows of scores[i] that this rank holds; the checksum so far, continued by all
  /// ranks' rows. @collective
  uLong write_scores(size_t i, const std::vector<double>& values, const ScoreTile& tile,
                     uLong so_far) const {
    int64_t rows = 0;
    for (const RowRange& range : tile.held) rows += range.last - range.first;
    const size_t row_values = rows == 0 ? 0 : values.size() / static_cast<size_t>(rows);
    const size_t width = schema.single_precision ? sizeof(float) : sizeof(double);
    const double* from = values.data();
    std::vector<float> narrowed;  // of a piece: a tile may be most of a rank's memory
    std::vector<RowsChecksum> mine;
    for (const RowRange& range : tile.held) {
      RowsChecksum sum{.first = range.first};
      for (const RowRange& piece : pieces_of(range, row_values * width)) {
        hdf5::Slab slab = unit_slab(schema, scores[i].dims, tile.unit);
        if (schema.axes.sample) {
          slab.start[1] += static_cast<hsize_t>(piece.first);
          slab.count[1] = static_cast<hsize_t>(piece.last - piece.first);
        }
        const size_t count = row_values * static_cast<size_t>(piece.last - piece.first);
        const void* data = from;
        if (schema.single_precision) {
          narrowed.assign(from, from + count);
          data = narrowed.data();
        }
        sum.crc = crc32_of(static_cast<uint32_t>(sum.crc), data, count * width);
        sum.bytes += static_cast<int64_t>(count * width);
        hdf5::write_slab(score_sets[i].get(), scores[i].type, slab, data, where);
        from += count;
      }
      mine.push_back(sum);
    }
    return combined(so_far, group.all_gather(mine));
  }

  /// Rows of about a megabyte: what the checksum has read is then still in the cache when it is
  /// written, and goes through memory once.
  [[nodiscard]] std::vector<RowRange> pieces_of(const RowRange& range, size_t row_bytes) const {
    constexpr size_t piece_bytes = size_t{1} << 20;
    const auto rows =
        static_cast<int64_t>(std::max<size_t>(1, piece_bytes / std::max<size_t>(1, row_bytes)));
    if (!schema.axes.sample) return {range};
    std::vector<RowRange> pieces;
    for (int64_t first = range.first; first < range.last; first += rows) {
      pieces.push_back({.first = first, .last = std::min(first + rows, range.last)});
    }
    return pieces;
  }

  /// Whether the commit just made is to be flushed at once, decided by the first rank for all: a
  /// flush is collective, and clocks differ. Where units end within a second of each other the next
  /// unit's first flush does it, since on a shared file every flush waits for all ranks' data.
  bool flushes_commit() {
    const auto now = std::chrono::steady_clock::now();
    std::array<int64_t, 1> due{now - flushed >= std::chrono::seconds(1) ? 1 : 0};
    group.broadcast(std::span<int64_t>(due), 0);
    if (due[0] != 0) flushed = now;
    return due[0] != 0;
  }

  void flush() const {
    errno = 0;  // MPI's message does not say what the system's was
    check(H5Fflush(file.get(), H5F_SCOPE_LOCAL), where, "flushing");
  }
};

StoreWriter::StoreWriter(const std::filesystem::path& path, const StoreSchema& schema,
                         const Communicator& group)
    : state_(std::make_unique<State>(path, schema, group)) {}

StoreWriter::~StoreWriter() = default;

void StoreWriter::write(const ScoreTile& tile) {
  State& s = *state_;
  with_cause(s.where, [&] {
    uLong crc = crc32_z(0, nullptr, 0);
    const std::vector<const std::vector<double>*> scores = s.scores_of(tile);
    for (size_t i = 0; i < scores.size(); ++i) crc = s.write_scores(i, *scores[i], tile, crc);
    crc = s.dense.checksum(crc, s.group);
    if (s.group.rank() == 0) {
      for (size_t i = 0; i < s.certificates.size(); ++i) {
        const TileBytes part = std::visit([&](auto member) { return bytes_of(tile.*member); },
                                          certificates().at(i).of_tile);
        crc = crc32_of(static_cast<uint32_t>(crc), part.data, part.size);
        hdf5::write_slab(s.certificate_sets[i].get(), s.certificates[i].type,
                         unit_slab(s.schema, s.certificates[i].dims, tile.unit), part.data,
                         s.where);
      }
      const auto checksum = static_cast<int32_t>(static_cast<uint32_t>(crc));
      const hdf5::Slab unit = unit_slab(s.schema, unit_dimensions(), tile.unit);
      hdf5::write_slab(s.checksum.get(), H5T_NATIVE_INT32, unit, &checksum, s.where);
      hdf5::write_slab(s.seconds.get(), H5T_NATIVE_DOUBLE, unit, &tile.seconds, s.where);
    }
    s.flush();
    s.group.barrier();
    if (s.group.rank() == 0) {
      const std::vector<uint8_t> ones(tile.node_count.size(), 1);
      const hdf5::Slab marks = unit_slab(s.schema, committed_dimensions(s.schema), tile.unit);
      hdf5::write_slab(s.committed.get(), H5T_NATIVE_INT8, marks, ones.data(), s.where);
    }
    if (s.flushes_commit()) s.flush();
  });
}

void StoreWriter::write_dense(const Unit& unit, const DenseSlice& slice) {
  with_cause(state_->where, [&] { state_->dense.write(unit, slice); });
}

void StoreWriter::close() {
  State& s = *state_;
  with_cause(s.where, [&] {
    s.flush();
    s.dense.close();
    for (Handle* handle : s.datasets()) handle->close(s.where, "closing");
    s.file.close(s.where);
    // Closing has written to the file once more.
    sync_file(s.where, "Look after its disk, then use --resume");
  });
}

void StoreWriter::abandon() noexcept {
  for (Handle* handle : state_->datasets()) handle->release();
  state_->dense.leave_open();
  state_->file.leave_open();
}

}  // namespace explaind
