#pragma once
// The model and the training that the options of `record --history` name.

#include <cstdint>
#include <nlohmann/json.hpp>

#include "config/record_options.hpp"
#include "datasets/dataset.hpp"
#include "training/recorded_training.hpp"

namespace explaind {

/// Throws UsageError for options that do not go together.
void require_run_options(const RecordOptions& options);

/// What run.json says of the model, whose sizes follow from the options and the data. Throws
/// UsageError where sizes do not fit each other.
nlohmann::json model_json(const RecordOptions& options, const TrainingData& data);

/// The training on so many samples. Throws UsageError for words that it does not know.
RecordedTrainingOptions recorded_options(const RecordOptions& options, int64_t samples);

}  // namespace explaind
