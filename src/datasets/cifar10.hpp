#pragma once
// CIFAR-10's binary version: records of a label and 3 × 32 × 32 bytes.

#include <filesystem>
#include <vector>

#include "datasets/dataset.hpp"

namespace explaind {

/// The folder cifar-10-batches-bin: every data_batch_*.bin in the order of their names is trained
/// on, test_batch.bin is the validation set.
///
/// classes: the labels kept, which become 0, 1, … in this order ({3, 5}: cat and dog); empty: all
/// ten. Of both sets the first `train` and `validation` samples of these classes are taken; 0: all.
/// Throws DataError: no such files, a size that is no whole number of records, a label above 9,
/// fewer samples than asked for. Throws UsageError for a class above 9 or twice.
TrainingData read_cifar10(const std::filesystem::path& folder, const std::vector<int64_t>& classes,
                          int64_t train, int64_t validation);

}  // namespace explaind
