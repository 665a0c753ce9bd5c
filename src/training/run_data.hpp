#pragma once
// The training data that a recorded run keeps (recorded_run.md, data.safetensors).

#include "datasets/dataset.hpp"
#include "runs/recorded_run.hpp"

namespace explaind {

/// Copies of all its tensors. `validation` is empty where the run has none. Throws DataError naming
/// file and tensor: missing, of another type or shape than the format says, samples that are not
/// as many as run.json says, labels that are no class, a transform that is missing for images.
TrainingData load_run_data(const RecordedRun& run);

}  // namespace explaind
