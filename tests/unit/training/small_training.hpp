#pragma once
// Small trainings whose history is recorded: a transformer of 7 numbers, and images with flips.

#include <functional>
#include <string>

#include "datasets/dataset.hpp"
#include "runs/recorded_run.hpp"
#include "training/recorded_training.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind::testing {

/// What run.json says of the grokking transformer with 2 heads.
nlohmann::json small_transformer_json();
/// A convolutional network for images of 5 × 6 and 3 classes.
nlohmann::json small_cnn_json();

/// 22 sums modulo 7 to train on, 6 to validate.
TrainingData small_sums();
/// 11 images, the first 4 of them also validated.
TrainingData small_images();

/// 12 steps of 5 samples, ragged at the end of an epoch, clipped, of two groups.
RecordedTrainingOptions small_options(OptimizerKind kind);

/// One of them with another optimizer: of the sums, or of the images.
struct TrainingCase {
  std::string name;
  OptimizerKind kind = OptimizerKind::adamw;
  bool images = false;
  bool stored = false;  ///< what the test says that it stores
  std::function<void(RecordedTrainingOptions&)> change = [](RecordedTrainingOptions&) {};
};
/// With `more` changed before the case's own change.
RecordedRun record(const TemporaryFolder& folder, const TrainingCase& training,
                   const std::function<void(RecordedTrainingOptions&)>& more);
/// SGD as Nesterov's.
void nesterov(RecordedTrainingOptions& options);

/// Trains into the folder and opens the run.
RecordedRun record(const TemporaryFolder& folder, const nlohmann::json& model,
                   const TrainingData& data, const RecordedTrainingOptions& options);

}  // namespace explaind::testing
