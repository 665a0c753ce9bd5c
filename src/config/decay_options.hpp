#pragma once
// What the training says of weight decay where checkpoints hold weights alone, under the names that
// `record` has for it.

#include <cstdint>
#include <optional>
#include <string>

#include "config/option.hpp"

namespace explaind {

struct DecayOptions {
  std::optional<double> weight_decay, learning_rate, minimum_learning_rate;
  std::optional<std::string> schedule, decay_on;
  std::optional<int64_t> warmup, decay_steps, max_steps;
};

void add_decay_options(OptionTable& table, DecayOptions& options);

}  // namespace explaind
