#pragma once
// Training whose whole history is kept: every step's weights, batch and hyper-parameters, as a
// recorded run.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/stop_flag.hpp"
#include "datasets/dataset.hpp"
#include "model/model.hpp"
#include "runs/run_writer.hpp"
#include "training/batches.hpp"
#include "training/optimizer.hpp"
#include "training/schedule.hpp"

namespace explaind {

struct RecordedTrainingOptions {
  OptimizerKind optimizer = OptimizerKind::adamw;
  Hyperparameters hyperparameters;
  std::vector<bool> decays = {};  ///< per parameter, whether weight decay moves it; empty: matrices
  double max_gradient_norm = 0;   ///< 0: no clipping
  Schedule schedule;
  int64_t steps = 1;  ///< at most; may be fewer than the schedule's
  int64_t batch = 16;
  bool shuffle = true, drop_last = false, flips = false;
  at::ScalarType type = at::kFloat;  ///< or kDouble: of weights and activations
  uint64_t seed = 0;
  double stop_accuracy = 0;  ///< on training and validation samples, after an epoch; 0: never
  bool keep_second_moments = false, keep_gradients = false;
  int64_t block_bytes = int64_t{64} << 20;
  bool other_build = false;  ///< RunWriter::resume
};

/// Mean cross-entropy in nats and share of right predictions.
struct Score {
  double loss = 0, accuracy = 0;
};

/// A step's gradient is that of the mean cross-entropy over its batch. The same options, thread
/// count and machine give the same files; so does a run that was killed and resumed. One that was
/// stopped on request and resumed has the same steps in other blocks.
class RecordedTraining {
 public:
  using After = std::function<void(int64_t steps_done, double loss)>;

  /// description: what run.json says of the model ("model") and, besides what the options say,
  /// of the making ("revision").
  RecordedTraining(const Model& model, TrainingData data, const RecordedTrainingOptions& options,
                   const nlohmann::json& description);

  /// Trains and records into `directory`, from the beginning or, with `resume`, from the last block
  /// there, until `stop` is raised. after: called after every step. Returns
  /// complete.json; after a stop, which leaves a run to go on with, its "steps" alone.
  nlohmann::json run(const std::filesystem::path& directory, bool resume, const StopFlag& stop,
                     const After& after);

  /// Whether the last run ended by a stop.
  [[nodiscard]] bool stopped() const { return stopped_; }
  /// Seconds that recording took of the last run.
  [[nodiscard]] double recording_seconds() const { return recording_seconds_; }
  /// Loss of all validation samples with the present weights.
  [[nodiscard]] Score validate() const;

 private:
  /// Right predictions and predictions since the epoch began: a stop is decided on them.
  struct EpochCount {
    int64_t right = 0, all = 0;
  };

  [[nodiscard]] RunWriter open(const std::filesystem::path& directory, bool resume);
  void restore(const SafetensorsFile& state);
  void write_block(RunWriter& writer);
  void train_step(int64_t step, RunWriter& writer);
  void record(StepRecord step, RunWriter& writer);
  [[nodiscard]] bool stops_after(int64_t step);

  const Model& model_;
  TrainingData data_;
  RecordedTrainingOptions options_;
  BatchPlan batches_;
  std::vector<at::Tensor> weights_;
  std::unique_ptr<Optimizer> optimizer_;
  nlohmann::json description_;
  EpochCount epoch_;
  double last_loss_ = 0, recording_seconds_ = 0;
  bool stopped_ = false;
};

}  // namespace explaind
