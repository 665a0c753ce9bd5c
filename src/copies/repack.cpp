#include "copies/repack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "claims/real_path.hpp"
#include "copies/chunk_extents.hpp"
#include "copies/outline.hpp"
#include "copies/outlined_file.hpp"
#include "copies/unit_checksums.hpp"
#include "copies/written_units.hpp"
#include "core/error.hpp"
#include "core/revision.hpp"
#include "core/synced.hpp"
#include "core/utc_time.hpp"
#include "store/hdf5_text.hpp"
#include "store/store_reader.hpp"
#include "store/unfinished_file.hpp"
#include "verification/store_shape.hpp"

namespace explaind {
namespace {

/// Smaller datasets stay in one piece: what finds a chunk takes kilobytes itself.
constexpr hsize_t least_chunked_bytes = 16 << 10;

class Repacking {
 public:
  Repacking(const RepackRequest& request, CopyWatch& watch)
      : request_(request), watch_(watch), source_(open_to_read(request.store)) {
    outline_ = outline_of(source_.handle.get(), source_.path);
    // Marks first: where a run is still writing, what they say is there by then.
    std::stable_partition(outline_.datasets.begin(), outline_.datasets.end(),
                          [](const OutlinedDataset& each) { return each.path == "committed"; });
    const std::string before = hdf5::read_attribute(source_.handle.get(), "history", source_.path);
    outline_.changed.texts["history"] =
        fmt::format("{}{}{}: explaind store repack, revision {}", before,
                    before.empty() ? "" : "\n", utc_now(), revision());
  }

  void write(const std::filesystem::path& path) {
    NamedFile target = make_outlined_file(
        path, outline_, source_, [&](const OutlinedDataset& each) { return storage_of(each); });
    for (const OutlinedDataset& each : outline_.datasets) {
      if (!each.stored) continue;
      crcs_[each.path] =
          copy_entries(source_, each.path, target, each.path, request_.memory, watch_);
    }
    close_file(target);
    sync_file(path);
  }

  /// Reads all that was written.
  void compare(const std::filesystem::path& path, Repacked& done) const {
    const StoreReader store(path);
    const NamedFile file = open_to_read(path);
    if (!store.has("psi")) {
      done.not_compared = "the file has no psi: it is a part of a store";
      for (const auto& [name, crc] : crcs_) compare_entries(file, name, {});
      return;
    }
    const StoreShape shape(store);
    const std::set<std::string> of_units(shape.tile.begin(), shape.tile.end());
    for (const auto& [name, crc] : crcs_) {
      if (!of_units.contains(name)) compare_entries(file, name, {});
    }
    UnitChecksums sums(shape.units);
    const bool known = shape.units_doubt.empty();
    for (const std::string& name : shape.tile) {
      if (known) begin_variable(store, name, sums);
      compare_entries(file, name, [&](const hdf5::Slab& piece, const char* data) {
        if (known) sums.add(piece, data);
      });
      if (known) sums.end();
    }
    done.not_compared = shape.units_doubt;
    done.units = shape.units.size();
    for (int64_t index = 0; index < done.units; ++index) {
      if (shape.is_committed(shape.units.unit(index))) ++done.committed;
    }
    const std::string damaged = known ? damaged_unit(store, shape, sums) : "";
    if (damaged.empty()) return;
    throw DataError(source_.path, damaged + ". The store is damaged, and was not repacked",
                    "explaind verify says where else. explaind decompose --resume computes damaged "
                    "units again");
  }

 private:
  using Visit = std::function<void(const hdf5::Slab&, const char*)>;

  void compare_entries(const NamedFile& file, const std::string& name, const Visit& visit) const {
    const uint32_t crc = crc_of_entries(file, name, request_.memory, watch_, visit);
    const auto written = crcs_.find(name);
    if (written == crcs_.end() || written->second == crc) return;
    throw DataError(request_.output.string(),
                    name + " is not what was written when it is read again",
                    "Look after the disk, then repack the store again");
  }

  [[nodiscard]] Storage storage_of(const OutlinedDataset& dataset) const {
    if (!dataset.stored || dataset.shape.empty()) return {};
    const hsize_t width = width_of(open_dataset(source_, dataset.source), source_.path);
    const hsize_t bytes =
        std::accumulate(dataset.shape.begin(), dataset.shape.end(), width, std::multiplies<>());
    if (bytes < least_chunked_bytes) return {};
    const std::vector<uint64_t> extents =
        chunk_extents({dataset.shape.begin(), dataset.shape.end()}, width);
    return {.chunk = {extents.begin(), extents.end()}, .deflate = request_.deflate};
  }

  const RepackRequest& request_;
  CopyWatch& watch_;
  NamedFile source_;
  Outline outline_;
  std::map<std::string, uint32_t> crcs_;  ///< of what was written
};

}  // namespace

Repacked repack_store(const RepackRequest& request, CopyWatch& watch) {
  static_cast<void>(StoreReader(request.store));  // it is a store, of a version that is known
  const std::filesystem::path target = real_path(request.output);
  UnfinishedFile unfinished(target);
  Repacked done{.bytes_before = std::filesystem::file_size(request.store)};
  Repacking repacking(request, watch);
  watch.begin(done.bytes_before);
  repacking.write(unfinished.path());
  repacking.compare(unfinished.path(), done);
  watch.finish();
  done.bytes_after = std::filesystem::file_size(unfinished.path());
  unfinished.move_to_place("The store is there and whole: look after its disk");
  return done;
}

}  // namespace explaind
