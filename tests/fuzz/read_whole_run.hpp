#pragma once
// Every value that a recorded run gives to its readers.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runs/recorded_run.hpp"

namespace explaind::testing {

/// Touches all of it; ends the process where a batch names a sample that is not there.
inline double read_whole_run(const RecordedRun& run) {
  double sum = 0;
  for (int64_t s = 0; s < run.steps(); ++s) {
    for (size_t p = 0; p < run.description().parameters.size(); ++p) {
      for (const TensorView& tensor : {run.parameter(s, p), run.parameter(s + 1, p)}) {
        for (size_t i = 0; i < tensor.bytes; ++i) sum += static_cast<double>(tensor.data[i]);
      }
      if (run.description().second_moments) {
        sum += static_cast<double>(run.second_moment(s, p).bytes);
      }
      sum += run.stepped(s, p) ? 1 : 0;
    }
    for (size_t g = 0; g < run.description().groups.size(); ++g) {
      sum += run.hyperparameters(s, g).learning_rate;
    }
    for (const int64_t sample : run.batch(s).samples) {
      if (sample < 0 || sample >= run.description().samples) std::abort();
    }
    sum += run.clip(s) + run.loss(s).value_or(0);
  }
  return sum;
}

}  // namespace explaind::testing
