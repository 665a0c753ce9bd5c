#pragma once
// What is explained: a path of weights, the model they belong to, and the files they come from.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "checkpoint/stored_optimizer.hpp"
#include "core/stop_flag.hpp"
#include "model/networks.hpp"
#include "path/path.hpp"
#include "runs/recorded_run.hpp"
#include "staging/stage.hpp"

namespace explaind {

/// Where a subject lies, and what its files leave open.
struct SubjectName {
  std::string path;                      ///< a series' folder or list, or a recorded run's folder
  NameRules names = {};                  ///< of a series: how checkpoints' names are read
  TiedHead tied_head = TiedHead::equal;  ///< of a series: what a tied matrix's copy may be
  bool optimizer_steps = false;          ///< one step of the optimizer at each checkpoint, in place
                                         ///< of what lies between checkpoints
  std::shared_ptr<Stage> stage = {};     ///< of a series: what brings its checkpoints
};

/// A checkpoint series, the optimizer's steps at its checkpoints, or a recorded run; opened once
/// and kept. It knows of no samples.
class Subject {
 public:
  /// Throws DataError as CheckpointSeries, RecordedRun, the models and StoredOptimizer do, and
  /// UsageError where a run is asked for an optimizer's steps. Not collective.
  static Subject open(const SubjectName& name);

  /// What --series names is a series,
  [[nodiscard]] const std::optional<CheckpointSeries>& series() const { return series_; }
  /// or this.
  [[nodiscard]] const std::optional<RecordedRun>& run() const { return run_; }
  /// Where a series' config changes, the network that takes most memory; all have the same
  /// parameters().
  [[nodiscard]] const Model& model() const { return *model_; }
  /// The model, where it is a language model; else null.
  [[nodiscard]] const Network* network() const { return network_; }
  /// The networks of a series' stretches, in order; one of a run that is a language model's.
  [[nodiscard]] const std::vector<const Network*>& networks() const { return networks_; }
  /// The place in networks() of the network that a point of the path is of.
  [[nodiscard]] size_t network_of(size_t point) const {
    return series_ ? series_->stretch_of(point) : 0;
  }
  [[nodiscard]] const Path& path() const { return *path_; }
  [[nodiscard]] std::shared_ptr<const Path> shared_path() const { return path_; }
  /// Whether its segments are an optimizer's steps at the checkpoints, whose state is
  /// `optimizers`: one a checkpoint.
  [[nodiscard]] bool optimizer_steps() const { return name_.optimizer_steps; }
  [[nodiscard]] const std::vector<StoredOptimizer>& optimizers() const { return optimizers_; }
  /// What of the inputs is not used, or used otherwise.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// What brings a series' checkpoints, where they are not all there; else null.
  [[nodiscard]] const Stage* stage() const { return name_.stage.get(); }
  /// Makes these points' checkpoints be there. @collective over the stage's ranks; without a stage
  /// nothing happens
  void bring(const std::vector<size_t>& points) const;
  /// Where a tokenizer is looked for that is not named.
  [[nodiscard]] std::string tokenizer_folder() const;

  /// What config.json, or run.json, says of the model: of a series the first one.
  [[nodiscard]] nlohmann::json model_config() const;
  /// [{"step", "changes", "config"}, …] for each checkpoint at which config.json changes; an empty
  /// array where none does.
  [[nodiscard]] nlohmann::json config_changes() const;
  /// What the files are: headers, sizes, times; with `hash` every weight file is read.
  [[nodiscard]] nlohmann::ordered_json identity(bool hash) const;

  /// Tensors that the network does not use must not say another network (require_agreement).
  /// Reads those of rank's share of the checkpoints. Throws DataError. Not collective.
  void require_unused_agree(int rank, int ranks) const;
  /// Reads every weight of rank's share of the points once: a run should not end on a NaN after
  /// hours. Throws DataError naming point and tensor. Not collective.
  void require_finite(int rank, int ranks, const StopFlag& stop) const;

 private:
  Subject() = default;
  void open_series();
  /// Throws DataError where a checkpoint of the stretch does not hold its network's tensors.
  void require_stretch(size_t stretch, const NamedConfig& config) const;
  void open_run();
  void open_optimizers();

  SubjectName name_;
  std::optional<CheckpointSeries> series_;
  std::optional<RecordedRun> run_;
  std::vector<std::unique_ptr<const Model>> owned_;
  const Model* model_ = nullptr;
  const Network* network_ = nullptr;
  std::vector<const Network*> networks_;
  std::shared_ptr<const Path> path_;
  std::vector<StoredOptimizer> optimizers_;
  std::vector<std::string> notes_;
};

}  // namespace explaind
