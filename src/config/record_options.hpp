#pragma once
// Options of `explaind record`: training a small language model that leaves a series of Hugging
// Face checkpoints.

#include <cstdint>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct RecordOptions {
  std::vector<std::string> text;
  std::string series;
  int64_t vocabulary = 2000;
  int64_t hidden = 128, intermediate = 352, layers = 4, heads = 8, key_value_heads = 4;
  bool tied = false;
  int64_t sequence_length = 128, batch = 16, steps = 400, checkpoints = 13;
  double learning_rate = 1e-3, minimum_learning_rate = 0.1;
  int64_t warmup = 60;
  double weight_decay = 0.1, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1.0;
  int64_t seed = 1;
  std::string dtype = "bf16";
  int64_t threads = 0;
  bool overwrite = false;
};

OptionTable option_table(RecordOptions& options);

}  // namespace explaind
