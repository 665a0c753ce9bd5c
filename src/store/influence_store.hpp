#pragma once
// The influence store: one HDF5 file that all ranks write and xarray reads (layout: store.md,
// written out in layout.md here).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "scores/component.hpp"
#include "scores/dense_slice.hpp"
#include "scores/step_curve.hpp"
#include "scores/tile.hpp"

namespace explaind {

/// Everything that is fixed when the file is created.
struct StoreSchema {
  std::vector<int64_t> step_from, step_to;             ///< per segment
  std::vector<int64_t> tokens_from, tokens_to;         ///< the same; empty where they are not known
  std::vector<std::string> phase_from, phase_to;       ///< the same; empty where there are none
  std::vector<std::string> sample_ids, sample_groups;  ///< per sample
  std::vector<int64_t> sample_lengths;  ///< per sample: its positions; empty where it has none
  std::vector<double> left_out;         ///< per sample, in F's unit; empty: no segment was left out
  /// Segment, sample, in F's unit: what a change of the network's config alone does where a segment
  /// begins; empty where no segment has one.
  std::vector<double> config_change;
  StepCurve curve;  ///< of all the series' segments; empty where F was not computed on them
  std::vector<std::string> group_names;  ///< the `group` axis, in order (where axes.group)
  std::vector<KeptPart> parts;           ///< what is kept of psi's parts, in any order
  std::vector<std::string> train_ids, train_groups;  ///< per training sample (axes.train_sample)
  std::vector<std::string> train_group_names;        ///< the `train_group` axis (axes.train_group)
  std::vector<std::string> outputs;                  ///< the `output` axis (axes.output)
  ComponentTable components;
  /// A score for every scalar, in a dataset per tensor, beside psi of whole tensors and psi_abs.
  bool dense = false;
  bool sums_of_steps = false;  ///< with scalars: a segment's scores are those of several, added up
  bool balance = false;        ///< beside them: how far data outweighed decay, scalar by scalar
  Axes axes;
  int64_t positions = 1;  ///< longest sample, where axes.position
  UnitGrid units;
  bool single_precision = false;  ///< psi and its parts stored as f32
  std::string functional;         ///< "loss", for long_name and units
  std::string functional_unit;    ///< "nat"
  /// Where the numbers come from, in this order: identity, revision, resolved configuration, model
  /// config, inputs, versions, …
  std::vector<std::pair<std::string, std::string>> provenance;
  std::string run_log_line;  ///< host, ranks, start: the first line of `run_log`
};

/// Creates the file serially under a name of this process's own, complete and preallocated, and
/// renames it to `path` (or to what that links to). One rank calls it, and has claimed the path.
/// Throws DataError: exists, and `overwrite` is not set or it is no influence store; not writable;
/// not enough space. Nothing half-made stays.
void create_store(const std::filesystem::path& path, const StoreSchema& schema, bool overwrite);

/// What is left to do in a store that exists.
struct StoreRemainder {
  std::vector<int64_t> units;  ///< ascending; among them `damaged`
  int64_t damaged = 0;         ///< units that were committed and no longer have their checksum
};

/// Prepares a store for going on: checks the bytes of every committed unit against its checksum
/// (reads all of them), takes the mark off those that fail, and adds schema.run_log_line to
/// `run_log`. One rank calls it; the caller has claimed the path and made sure that store and
/// schema belong together. Throws DataError: unreadable.
StoreRemainder resume_store(const std::filesystem::path& path, const StoreSchema& schema);

/// Writes tiles through a segment group's own handle. The path is claimed.
class StoreWriter {
 public:
  /// @collective over group (a single rank: Communicator::self())
  StoreWriter(const std::filesystem::path& path, const StoreSchema& schema,
              const Communicator& group);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// Writes the tile and its checksum, flushes, then marks it committed. That mark is flushed too,
  /// unless the flush of the mark before was within a second: then the next write's flush, or
  /// close(), does it. @collective over group
  void write(const ScoreTile& tile);
  /// Writes a part of the unit's scalars, in any order, every one on one rank of the group, before
  /// the unit's tile, whose checksum covers them. Only where the schema is dense. Not collective.
  void write_dense(const Unit& unit, const DenseSlice& slice);
  /// Closes the file; errors surface here and not in the destructor. @collective over group
  void close();
  /// The store belongs to another run: nothing more is written, and the file is left open, since
  /// HDF5 writes when it closes one. Only to be destroyed afterwards. Not collective.
  void abandon() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace explaind
