#pragma once
// An ordered series of Hugging Face checkpoints.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace explaind {

/// A step of a series before it is opened.
struct SeriesEntry {
  int64_t step = 0;
  std::filesystem::path directory;
  std::optional<int64_t> tokens = {};  ///< seen until then, where its name says it
  std::string phase = {};              ///< of the training, where there are several
};

/// What stands in a series' place of a checkpoint and is none.
struct BrokenEntry {
  std::optional<int64_t> step;
  std::filesystem::path where;  ///< its folder, or the revision's file
  std::string problem, remedy;  ///< as an error says them
};

/// A part of a training run whose checkpoints count their steps from its own beginning.
struct Phase {
  std::string name;    ///< of its directory, or what its checkpoints' names say beside the step
  int64_t offset = 0;  ///< added to the steps of its checkpoints
};

/// "phase-1=0,phase-2=500000"; empty: none. Throws UsageError on anything else, and on a name given
/// twice.
std::vector<Phase> parse_phases(const std::string& text);

/// How the names of a series' checkpoints are read, where they leave it open.
struct NameRules {
  std::vector<Phase> phases = {};
  std::string seed = {};     ///< of several; "." is the one without a seed in its names
  std::string pattern = {};  ///< step_pattern.hpp; empty: the grammar of step_name.hpp
};

/// Of the options' texts. Throws UsageError as parse_phases and StepPattern do.
NameRules name_rules(const std::string& phases, const std::string& seed,
                     const std::string& pattern);

/// The steps of a series in ascending order. `path` is one of
/// - a directory: each sub-directory with a config.json whose name says a step (`step-100`,
///   `iter_0001000`, `step-001000-2BT`; step_name.hpp) is the checkpoint of that step. Hidden
///   directories and those without a config.json (`logs`) are passed over, and said;
/// - a repository of the Hub's local cache (models--ORG--NAME): each revision whose name says a
///   step, by its snapshot;
/// - a text list: `STEP PATH` lines; empty lines and lines that begin with # are passed over;
/// - a JSON list: [{"step": 100, "path": "a"}, …] or {"100": "a", …}.
/// Paths in a list are relative to the list's own folder. A phase is a directory below `path` that
/// is read as a series, or those of its checkpoints whose names say it (`stage1-step1000`; "." are
/// those that say nothing beside the step); its offset is added to its steps. Names of several
/// seeds are several series.
///
/// Throws DataError: nothing found, fewer than `least` checkpoints, a step given twice (both
/// named), a checkpoint whose name leaves its step in doubt, names of several parts or seeds
/// without a word which are meant, a phase or seed that is not there, phases that overlap, a
/// sub-directory with a step but no config.json, a broken line (with its number). What was passed
/// over is added to `notes`, a sentence each. With `broken`, what has a step and is no checkpoint
/// goes there and is no error.
std::vector<SeriesEntry> list_series(const std::filesystem::path& path, size_t least = 2,
                                     const NameRules& rules = {},
                                     std::vector<std::string>* notes = nullptr,
                                     std::vector<BrokenEntry>* broken = nullptr);

/// Which unembedding is meant where config.json ties it to the embedding and files hold a
/// lm_head.weight too. transformers 4 takes the embedding, 5 the stored one.
enum class TiedHead { equal, embedding, stored };

/// "equal", "embedding" or "stored"; throws UsageError on anything else.
TiedHead parse_tied_head(const std::string& text);

/// Checkpoints, one after another, that are of one network.
struct Stretch {
  size_t first = 0;       ///< place of its first checkpoint; it lasts until the next one begins
  nlohmann::json config;  ///< of the network
  /// In what its network is not the one before, as config_differences says it; none of the first.
  std::vector<std::string> changes = {};
};

/// A series of checkpoints whose tensors are the same things. Mostly all are of one network: they
/// agree in the config's keys, tensors and shapes that it uses. Where training went on with another
/// config (rope theta between stages, norms of queries and keys that came later), there are several
/// stretches. Stored types may differ, and what a network does not use (rotary tables, a tied
/// matrix's copy, the longest position).
class CheckpointSeries {
 public:
  /// Opens every checkpoint and compares it with the first of its stretch; throws DataError naming
  /// the first ten differences and the number of the others where tensors that both have are not
  /// the same things, or one config is given and other tensors. With TiedHead::stored a tied
  /// network is opened as one with an unembedding of its own.
  static CheckpointSeries open(const std::filesystem::path& path, const NameRules& rules = {},
                               size_t least = 2, TiedHead head = TiedHead::equal);

  /// Of checkpoints that are not there, each as `all` describes it.
  static CheckpointSeries described(std::vector<SeriesEntry> entries, const Checkpoint& all,
                                    TiedHead head);

  [[nodiscard]] size_t size() const { return checkpoints_.size(); }
  [[nodiscard]] int64_t step(size_t i) const { return entries_[i].step; }
  [[nodiscard]] const SeriesEntry& entry(size_t i) const { return entries_[i]; }
  [[nodiscard]] const Checkpoint& checkpoint(size_t i) const { return checkpoints_[i]; }
  /// The config of the first checkpoint's network, with the smallest max_position_embeddings of
  /// all.
  [[nodiscard]] const nlohmann::json& config() const { return stretches_.front().config; }
  /// Ascending; all have the smallest max_position_embeddings of the series.
  [[nodiscard]] const std::vector<Stretch>& stretches() const { return stretches_; }
  /// The place of the stretch that checkpoint i is of.
  [[nodiscard]] size_t stretch_of(size_t i) const;
  /// What was passed over, ignored or changed on the way, a sentence each.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  void note_what_is_ignored(const std::vector<int64_t>& max_positions);

  std::vector<SeriesEntry> entries_;
  std::vector<Stretch> stretches_;
  std::vector<std::string> notes_;
  std::vector<Checkpoint> checkpoints_;
};

/// Throws DataError where a checkpoint is not of the network that `first` is of, its tensors
/// included: differences as CheckpointSeries::open names them.
void require_same_network(const Checkpoint& checkpoint, const Checkpoint& first, TiedHead head);

/// Identification of a series' inputs for provenance: an array with one object a weight file, in
/// the order of steps and file names: {"step", "file" (directory name/file name), "header_crc32"
/// (eight hexadecimal digits over length and header), "size" (bytes), "modified" (nanoseconds since
/// 1970)}, and with `full_hash` "sha256" of the whole file, which reads all of it.
nlohmann::json identify(const CheckpointSeries& series, bool full_hash);

}  // namespace explaind
