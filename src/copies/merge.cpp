#include "copies/merge.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "claims/real_path.hpp"
#include "copies/merge_axis.hpp"
#include "copies/merge_question.hpp"
#include "copies/merge_source.hpp"
#include "copies/merged_labels.hpp"
#include "copies/merged_numbers.hpp"
#include "copies/merged_outline.hpp"
#include "copies/merged_provenance.hpp"
#include "copies/pieces.hpp"
#include "copies/written_units.hpp"
#include "core/error.hpp"
#include "core/synced.hpp"
#include "store/blank.hpp"
#include "store/file_lock.hpp"
#include "store/layout.hpp"
#include "store/unfinished_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

using hdf5::Handle;

class Merging {
 public:
  Merging(const std::vector<MergeSource>& sources, MergeAxis axis, const CopyMemory& memory,
          CopyWatch& watch)
      : sources_(sources),
        axis_(std::move(axis)),
        provenance_(merged_provenance(sources, axis_)),
        units_(unit_grid()),
        sums_(units_),
        outline_(merged_outline(sources, axis_, provenance_.documents, units_.per_segment())),
        memory_(memory),
        watch_(watch) {
    for (const MergeSource& each : sources) source_sums_.emplace_back(each.shape.units);
    for (const auto& [name, text] : provenance_.attributes) {
      outline_.outline.changed.texts[name] = text;
    }
  }

  void write(const fs::path& path) {
    make(path);
    file_ = {.path = path.string(),
             .handle = Handle(H5Fopen(path.c_str(), H5F_ACC_RDWR, hdf5::unlocked_access().get()),
                              H5Fclose, path.string(), "opening")};
    const std::vector<std::string>& tile = first().shape.tile;
    for (const std::string& name : tile) join_units(*outline_.outline.find(name));
    require_intact_sources();
    const std::set<std::string> of_units(tile.begin(), tile.end());
    for (const OutlinedDataset& each : outline_.outline.datasets) {
      if (each.stored && !of_units.contains(each.path)) write_other(each);
    }
    close_file(file_);
    renew_label_checksums(path);
    sync_file(path);
  }

  /// Reads the units again.
  void compare(const fs::path& path) const {
    const StoreReader store(path);
    const StoreShape shape(store);
    const NamedFile file = open_to_read(path);
    UnitChecksums sums(shape.units);
    for (const std::string& name : shape.tile) {
      begin_variable(store, name, sums);
      crc_of_entries(file, name, memory_, watch_,
                     [&](const hdf5::Slab& piece, const char* data) { sums.add(piece, data); });
      sums.end();
    }
    const std::string damaged = damaged_unit(store, shape, sums);
    if (damaged.empty()) return;
    throw DataError(path.string(), damaged + ": it is not what was written when it is read again",
                    "Look after the disk, then merge the stores again");
  }

  [[nodiscard]] Merged account() const {
    Merged done{.axis = axis_.name,
                .segments = axis_.name == "segment" ? axis_.size : first().shape.segments,
                .samples = axis_.name == "sample" ? axis_.size : first().shape.samples,
                .notes = {}};
    for (const auto* notes : {&axis_.gaps, &outline_.notes, &provenance_.notes}) {
      done.notes.insert(done.notes.end(), notes->begin(), notes->end());
    }
    return done;
  }

 private:
  [[nodiscard]] const MergeSource& first() const { return sources_.front(); }

  [[nodiscard]] UnitGrid unit_grid() const {
    const StoreShape& shape = first().shape;
    const bool samples = axis_.name == "sample";
    return {samples ? shape.segments : axis_.size, samples ? axis_.size : shape.samples,
            shape.options.chunk, shape.of_samples};
  }

  /// In one piece each, at its final size.
  void make(const fs::path& path) const {
    NamedFile made = make_outlined_file(path, outline_.outline, first().file,
                                        [](const auto&) { return Storage{}; });
    close_file(made);
    preallocate(path, {});
  }

  /// A variable of units, whose checksums are formed on the way: those of the merged store, and
  /// those that the stores must have.
  void join_units(const OutlinedDataset& dataset) {
    sums_.begin(dataset.shape, dataset.shape.size() > 1 && dataset.dim(1) == "sample",
                width_of(open_dataset(file_, dataset.path), file_.path));
    for (size_t i = 0; i < sources_.size(); ++i) {
      begin_variable(sources_[i].store, dataset.path, source_sums_[i]);
    }
    join(dataset, true);
    sums_.end();
    for (UnitChecksums& each : source_sums_) each.end();
  }

  /// What is damaged would have a right checksum in the merged store.
  void require_intact_sources() const {
    for (size_t i = 0; i < sources_.size(); ++i) {
      const MergeSource& source = sources_[i];
      require_intact_labels(source);
      const std::string damaged = damaged_unit(source.store, source.shape, source_sums_[i]);
      if (damaged.empty()) continue;
      throw DataError(source.name(), damaged + ". The store is damaged, and was not merged",
                      "explaind verify says where else. explaind decompose --resume computes "
                      "damaged units again");
    }
  }

  void write_other(const OutlinedDataset& dataset) {
    const std::string& path = dataset.path;
    const std::string name = path.substr(path.find('/') + 1);
    if (path == "provenance/checksum") {
      write_numbers<int32_t>(path, H5T_NATIVE_INT32, checksums());
    } else if (path == "provenance/seconds") {
      write_numbers(path, H5T_NATIVE_DOUBLE, merged_seconds(sources_, axis_, units_));
    } else if (path == "provenance/run_log") {
      write_run_log();
    } else if (provenance_.documents.contains(name) && path != name) {
      write_document(path, provenance_.documents.at(name));
    } else if (axis_.name == "sample" && dataset.has("interval") && path != "interval") {
      write_curve(path);
    } else if (counts_entries(dataset)) {
      std::vector<int64_t> numbers(dataset.shape.front());
      std::iota(numbers.begin(), numbers.end(), int64_t{0});
      write_numbers(path, H5T_NATIVE_INT64, numbers);
    } else if (is_joined(dataset, axis_)) {
      join(dataset, false);
    } else {
      copy_entries(first().file, dataset.source, file_, path, memory_, watch_);
    }
  }

  /// A dimension whose labels are 0, 1, … and that may be longer than in any store.
  static bool counts_entries(const OutlinedDataset& dataset) {
    const std::set<std::string> counted{"segment", "sample", "position", "provenance/unit"};
    return dataset.is_scale && counted.contains(dataset.path);
  }

  template <typename Number>
  void write_numbers(const std::string& path, hid_t type, const std::vector<Number>& values) {
    const Handle dataset = open_dataset(file_, path);
    hdf5::check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                file_.path, "writing " + path);
  }

  [[nodiscard]] std::vector<int32_t> checksums() const {
    std::vector<int32_t> values;
    for (int64_t index = 0; index < units_.size(); ++index) {
      values.push_back(static_cast<int32_t>(sums_.of(units_.unit(index))));
    }
    return values;
  }

  void write_run_log() {
    std::string text(size_t{run_log_entries} * run_log_width, '\0');
    const size_t lines = std::min<size_t>(run_log_entries, provenance_.run_log.size());
    for (size_t i = 0; i < lines; ++i) {
      provenance_.run_log[i].copy(&text[i * run_log_width], run_log_width - 1);
    }
    write_numbers("provenance/run_log", H5T_C_S1, std::vector<char>(text.begin(), text.end()));
  }

  void write_document(const std::string& path, const std::string& text) {
    std::vector<char> letters(text.begin(), text.end());
    if (letters.empty()) letters.push_back('\0');
    write_numbers(path, H5T_C_S1, letters);
  }

  void write_curve(const std::string& path) {
    const StepCurve curve = merged_curve(sources_);
    if (path == "interval_from") write_numbers(path, H5T_NATIVE_INT64, curve.from);
    if (path == "interval_to") write_numbers(path, H5T_NATIVE_INT64, curve.to);
    if (path == "interval_change") write_numbers(path, H5T_NATIVE_DOUBLE, curve.change);
    if (path == "explained_share") write_numbers(path, H5T_NATIVE_DOUBLE, curve.explained);
  }

  /// The entries of all stores, each in its place.
  void join(const OutlinedDataset& dataset, bool of_units) {
    const size_t along = dataset.axis_of(axis_.name);
    if (along < dataset.shape.size()) {
      for (const MergedRun& run : axis_.runs) copy_run(dataset, along, run, of_units);
      return;
    }
    const std::string group = dataset.has("group") ? "group" : "parameter/group";
    const size_t group_axis = dataset.axis_of(group);
    if (axis_.groups > 0 && group_axis < dataset.shape.size()) {
      for (const MergedRun& run : axis_.group_runs) copy_run(dataset, group_axis, run, of_units);
      return;
    }
    // The same in all stores.
    copy_run(dataset, 0,
             {.source = 0,
              .first = 0,
              .count = static_cast<int64_t>(dataset.shape.empty() ? 1 : dataset.shape[0]),
              .place = 0},
             of_units);
  }

  void copy_run(const OutlinedDataset& dataset, size_t along, const MergedRun& run, bool of_units) {
    const MergeSource& source = sources_[run.source];
    const EntryReader entries(source.file, dataset.path, memory_);
    const Handle target = open_dataset(file_, dataset.path);
    std::vector<hsize_t> part = entries.shape();
    part[along] = static_cast<hsize_t>(run.count);
    std::vector<char> bytes;
    for_each_piece(part, entries.chunk(), entries.width(), memory_.piece_bytes,
                   [&](hdf5::Slab piece) {
                     bytes.resize(entries_of(piece) * entries.width());
                     watch_.advance(bytes.size());
                     hdf5::Slab there = piece;
                     there.start[along] += static_cast<hsize_t>(run.first);
                     piece.start[along] += static_cast<hsize_t>(run.place);
                     entries.read(there, bytes.data());
                     write_piece(file_, target, entries.memory_type(), piece, bytes.data());
                     if (!of_units) return;
                     sums_.add(piece, bytes.data());
                     source_sums_[run.source].add(there, bytes.data());
                   });
    fill_behind(dataset, target, entries, along, run, of_units);
  }

  /// Zeros at positions, and NUL behind texts, that a store does not have.
  void fill_behind(const OutlinedDataset& dataset, const Handle& target, const EntryReader& entries,
                   size_t along, const MergedRun& run, bool of_units) {
    for (size_t axis = 0; axis < dataset.shape.size(); ++axis) {
      const hsize_t there = entries.shape()[axis];
      if (axis == along || there >= dataset.shape[axis]) continue;
      std::vector<hsize_t> rest = entries.shape();
      rest[along] = static_cast<hsize_t>(run.count);
      rest[axis] = dataset.shape[axis] - there;
      std::vector<char> zeros;
      for_each_piece(rest, {}, entries.width(), memory_.piece_bytes, [&](hdf5::Slab piece) {
        zeros.assign(entries_of(piece) * entries.width(), 0);
        watch_.advance(zeros.size());
        piece.start[along] += static_cast<hsize_t>(run.place);
        piece.start[axis] += there;
        write_piece(file_, target, entries.memory_type(), piece, zeros.data());
        if (of_units) sums_.add(piece, zeros.data());
      });
    }
  }

  const std::vector<MergeSource>& sources_;
  MergeAxis axis_;
  MergedProvenance provenance_;
  UnitGrid units_;
  UnitChecksums sums_;
  std::vector<UnitChecksums> source_sums_;
  MergedOutline outline_;
  const CopyMemory& memory_;
  CopyWatch& watch_;
  NamedFile file_;
};

}  // namespace

Merged merge_stores(const MergeRequest& request, CopyWatch& watch) {
  std::vector<MergeSource> sources;
  uint64_t bytes = 0;
  for (const fs::path& store : request.stores) {
    sources.emplace_back(store);
    bytes += fs::file_size(store);
  }
  MergeAxis axis = merge_axis(sources);
  require_same_question(sources, axis.name);
  UnfinishedFile unfinished(real_path(request.output));
  Merging merging(sources, std::move(axis), request.memory, watch);
  watch.begin(bytes);
  merging.write(unfinished.path());
  merging.compare(unfinished.path());
  watch.finish();
  Merged done = merging.account();
  done.bytes = fs::file_size(unfinished.path());
  unfinished.move_to_place("The store is there and whole: look after its disk");
  return done;
}

}  // namespace explaind
