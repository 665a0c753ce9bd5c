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
/// - a directory: each sub-directory with a config.json whose name says a step (`step-100`,
///   `iter_0001000`, `step-001000-2BT`; step_name.hpp) is the checkpoint of that step. Hidden
///   directories and those without a config.json (`logs`) are passed over, and said;
/// - a repository of the Hub's local cache (models--ORG--NAME): each revision whose name says a
///   step, by its snapshot;
/// - a text list: `STEP PATH` lines; empty lines and lines that begin with # are passed over;
/// - a JSON list: [{"step": 100, "path": "a"}, …] or {"100": "a", …}.
/// Paths in a list are relative to the list's own folder. With phases, `path` is a directory that
/// holds theirs, each of which is read as a series, its steps moved by the phase's offset.
///
/// Throws DataError: nothing found, fewer than `least` checkpoints, a step given twice (both
/// named), a checkpoint whose name leaves its step in doubt, names of two series in one directory,
/// a sub-directory with a step but no config.json, a broken line (with its number). What was passed
/// over is added to `notes`, a sentence each.
std::vector<SeriesEntry> list_series(const std::filesystem::path& path, size_t least = 2,
                                     const std::vector<Phase>& phases = {},
                                     std::vector<std::string>* notes = nullptr);

/// Which unembedding is meant where config.json ties it to the embedding and files hold a
/// lm_head.weight too. transformers 4 takes the embedding, 5 the stored one.
enum class TiedHead { equal, embedding, stored };

/// "equal", "embedding" or "stored"; throws UsageError on anything else.
TiedHead parse_tied_head(const std::string& text);

/// A series whose checkpoints are of one network: they agree in the config's keys, tensors and
/// shapes that it uses. Stored types may differ, and what it does not use (rotary tables, a tied
/// matrix's copy, the longest position).
class CheckpointSeries {
 public:
  /// Opens every checkpoint and compares it with the first; throws DataError naming the first ten
  /// differences and the number of the others. With TiedHead::stored a tied network is opened as
  /// one with an unembedding of its own.
  static CheckpointSeries open(const std::filesystem::path& path,
                               const std::vector<Phase>& phases = {}, size_t least = 2,
                               TiedHead head = TiedHead::equal);

  [[nodiscard]] size_t size() const { return checkpoints_.size(); }
  [[nodiscard]] int64_t step(size_t i) const { return entries_[i].step; }
  [[nodiscard]] const Checkpoint& checkpoint(size_t i) const { return checkpoints_[i]; }
  /// The config of the network that all checkpoints share: the first one's, with the smallest
  /// max_position_embeddings of all.
  [[nodiscard]] const nlohmann::json& config() const { return config_; }
  /// What was passed over, ignored or changed on the way, a sentence each.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  void note_what_is_ignored(const std::vector<int64_t>& max_positions);

  std::vector<SeriesEntry> entries_;
  nlohmann::json config_;
  std::vector<std::string> notes_;
  std::vector<Checkpoint> checkpoints_;
};

/// Identification of a series' inputs for provenance: an array with one object a weight file, in
/// the order of steps and file names: {"step", "file" (directory name/file name), "header_crc32"
/// (eight hexadecimal digits over length and header), "size" (bytes), "modified" (nanoseconds since
/// 1970)}, and with `full_hash` "sha256" of the whole file, which reads all of it.
nlohmann::json identify(const CheckpointSeries& series, bool full_hash);

}  // namespace explaind
