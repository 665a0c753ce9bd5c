#pragma once
// A stream of tokens as training samples.

#include "datasets/dataset.hpp"

namespace explaind {

/// Windows of `length` tokens, one after the other without overlap, each with the tokens that
/// follow its positions as labels. The last `validation` windows are not trained on; of the others
/// the first `train`, 0: all. vocabulary: token ids are below it. Throws DataError where the stream
/// is too short.
TrainingData text_windows(const std::vector<int64_t>& tokens, int64_t length, int64_t vocabulary,
                          int64_t train, int64_t validation);

}  // namespace explaind
