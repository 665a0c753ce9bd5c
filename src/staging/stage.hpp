#pragma once
// A series of which no more than two checkpoints are on disk at a time: a command of the user's
// brings them, and they are removed when they have been used.

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "comm/communicator.hpp"
#include "core/listener.hpp"
#include "core/stop_flag.hpp"
#include "staging/stage_folder.hpp"

namespace explaind {

/// What the options say.
struct StageName {
  std::string folder, command;
  TiedHead tied_head = TiedHead::equal;
};

/// All ranks see the folder; rank 0 writes there.
class Stage {
 public:
  /// Reads the list of revisions. The first checkpoint is brought where nothing is known of the
  /// model yet. stop, listener and world must outlive this. Throws DataError as StageFolder and
  /// read_revisions do. @collective over world
  Stage(const StageName& name, const std::filesystem::path& list, const NameRules& rules,
        const Communicator& world, const StopFlag& stop, Listener& listener);

  /// The series as it is known without its weights: tensors have no data.
  [[nodiscard]] CheckpointSeries series() const;
  /// Step and name of every checkpoint, for the identification of inputs.
  [[nodiscard]] nlohmann::ordered_json identity() const;

  /// Makes the checkpoints of these points (two at most) be there, and removes all others. Their
  /// networks must be the series' own, and their weights finite. Throws DataError, the same on all
  /// ranks. @collective over world
  void bring(const std::vector<size_t>& points);
  /// "REVISION (step N)".
  [[nodiscard]] std::string name_of(size_t point) const;
  /// Null where it is not there.
  [[nodiscard]] const Checkpoint* at(size_t point) const;
  /// Removes all that was brought. @collective over world
  void clear();

 private:
  void require_as_known(const Checkpoint& checkpoint) const;
  [[nodiscard]] Checkpoint described() const;

  const Communicator& world_;
  const StopFlag& stop_;
  Listener& listener_;
  std::vector<Revision> revisions_;
  std::unique_ptr<StageFolder> folder_;  ///< of rank 0
  std::filesystem::path path_;
  TiedHead tied_head_;
  StagedModel model_;
  std::map<size_t, Checkpoint> there_;
};

}  // namespace explaind
