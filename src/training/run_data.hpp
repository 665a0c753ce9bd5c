#pragma once
// The training data that a recorded run carries.

#include "datasets/dataset.hpp"
#include "runs/recorded_run.hpp"

namespace explaind {

/// What data.safetensors of the run holds, with the transform of run.json: network_inputs and
/// batch_pass take it. The validation part may be missing (empty tensors then). Throws DataError
/// naming the file and what is wrong: no file, a tensor missing or of another type or shape,
/// another number of samples than run.json says, a label below 0, images without a transform.
TrainingData load_run_data(const RecordedRun& run);

}  // namespace explaind
