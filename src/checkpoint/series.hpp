#pragma once
// An ordered series of Hugging Face checkpoints.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace explaind {

/// A step of a series before it is opened.
struct SeriesEntry {
  int64_t step = 0;
  std::filesystem::path directory;
};

/// A part of a training run whose checkpoints count their steps from its own beginning.
struct Phase {
  std::string name;    ///< of its directory
  int64_t offset = 0;  ///< added to the steps of its checkpoints
};

/// "phase-1=0,phase-2=500000"; empty: none. Throws UsageError on anything else, and on a name given
/// twice.
std::vector<Phase> parse_phases(const std::string& text);

/// The steps of a series in ascending order. `path` is one of
/// - a directory: each sub-directory whose name ends in digits (`step-100`, `iter_0001000`) is the
///   checkpoint of that step. Files, hidden directories, and directories without both a number and
///   a config.json (`logs`) are passed over;
/// - a repository of the Hub's local cache (models--ORG--NAME): each revision whose name ends in
///   digits, by its snapshot;
/// - a text list: `STEP PATH` lines; empty lines and lines that begin with # are passed over;
/// - a JSON list: [{"step": 100, "path": "a"}, …] or {"100": "a", …}.
/// Paths in a list are relative to the list's own folder. With phases, `path` is a directory that
/// holds theirs, each of which is read as a series, its steps moved by the phase's offset.
///
/// Throws DataError: nothing found, fewer than `least` checkpoints, a step given twice (both
/// named), a checkpoint without a number, a numbered sub-directory without config.json, a broken
/// line (with its number).
std::vector<SeriesEntry> list_series(const std::filesystem::path& path, size_t least = 2,
                                     const std::vector<Phase>& phases = {});

/// A series whose checkpoints agree in tensor names, shapes and network config. Stored types may
/// differ.
class CheckpointSeries {
 public:
  /// Opens every checkpoint and compares it with the first; throws DataError naming the first ten
  /// differences and the number of the others.
  static CheckpointSeries open(const std::filesystem::path& path,
                               const std::vector<Phase>& phases = {}, size_t least = 2);

  [[nodiscard]] size_t size() const { return checkpoints_.size(); }
  [[nodiscard]] int64_t step(size_t i) const { return entries_[i].step; }
  [[nodiscard]] const Checkpoint& checkpoint(size_t i) const { return checkpoints_[i]; }
  /// The config all checkpoints share (the first one's).
  [[nodiscard]] const nlohmann::json& config() const { return checkpoints_.front().config(); }

 private:
  std::vector<SeriesEntry> entries_;
  std::vector<Checkpoint> checkpoints_;
};

/// Identification of a series' inputs for provenance: an array with one object a weight file, in
/// the order of steps and file names: {"step", "file" (directory name/file name), "header_crc32"
/// (eight hexadecimal digits over length and header), "size" (bytes), "modified" (nanoseconds since
/// 1970)}, and with `full_hash` "sha256" of the whole file, which reads all of it.
nlohmann::json identify(const CheckpointSeries& series, bool full_hash);

}  // namespace explaind
