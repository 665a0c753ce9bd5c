#pragma once
// The folder that checkpoints are brought into, as one process sees it that writes there.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "claims/own_folder.hpp"
#include "core/stop_flag.hpp"
#include "staging/fetch.hpp"
#include "staging/revision_list.hpp"

namespace explaind {

/// What checkpoints of a staged series have in common, known without one being there: config.json,
/// the tensors' types and shapes.
struct StagedModel {
  nlohmann::json config;
  std::map<std::string, TensorView> tensors;  ///< without data

  [[nodiscard]] std::string text() const;
  static StagedModel of_text(const std::string& text);
};

/// Files of the folder:
///
/// - step-N: a checkpoint that was brought whole; step-N.part: one on its way
/// - model/: config.json, the tokenizer's files and whatever else of the first one is small
/// - series.json: the names and steps of the series, and the StagedModel
/// - fetch.log: what the last command printed
///
/// All of it is this program's and is removed by it, nothing else ever is.
class StageFolder {
 public:
  /// Claims the folder, which is made where it is missing. What an earlier run left there is kept
  /// where it is of the same series; parts on their way are removed. Throws DataError: in use, not
  /// empty and not a stage, of another series.
  StageFolder(const std::filesystem::path& folder, const std::vector<Revision>& revisions,
              FetchCommand command);

  /// What an earlier run learnt of the model.
  [[nodiscard]] std::optional<StagedModel> model() const;
  /// Learns it of a checkpoint that is there, and keeps its small files.
  void learn(size_t place);
  /// Makes the checkpoint of that place be there. A command that fails, or leaves no checkpoint
  /// that can be opened, is run three times in all. Throws DataError naming revision, command and
  /// what it said; StopRequested between two tries.
  void bring(size_t place, const StopFlag& stop,
             const std::function<void(const std::string&)>& say);
  /// Removes every checkpoint but those of these places.
  void keep_only(const std::vector<size_t>& places);
  /// Removes all that this made: the series is done with.
  void clear();

  [[nodiscard]] std::filesystem::path path_of(size_t place) const;
  [[nodiscard]] std::filesystem::path model_folder() const { return folder_ / "model"; }

 private:
  void fetch(size_t place, const std::filesystem::path& part) const;

  std::filesystem::path folder_;
  std::vector<Revision> revisions_;
  FetchCommand command_;
  OwnFolder own_;
};

}  // namespace explaind
