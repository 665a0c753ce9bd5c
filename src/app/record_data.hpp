#pragma once
// The training data that the options of `record --history` name.

#include <string>

#include "config/record_options.hpp"
#include "core/stop_flag.hpp"
#include "datasets/dataset.hpp"

namespace explaind {

/// Kept beside the run of a language model.
inline constexpr const char* tokenizer_file = "tokenizer.model";

/// modular_addition, idx, cifar10 or text. Throws UsageError where it is nothing for the model.
std::string dataset_of(const RecordOptions& options);

/// Makes or reads the data; text also leaves its tokenizer in the run's folder, which must be
/// there. Throws UsageError and DataError.
TrainingData load_data(const RecordOptions& options, const StopFlag& stop);

}  // namespace explaind
