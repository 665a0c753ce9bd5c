#pragma once
// Small trainings whose history is recorded: a transformer of 7 numbers, and images with flips.

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

/// Trains into the folder and opens the run.
RecordedRun record(const TemporaryFolder& folder, const nlohmann::json& model,
                   const TrainingData& data, const RecordedTrainingOptions& options);

}  // namespace explaind::testing
