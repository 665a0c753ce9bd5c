#pragma once
// Options of `explaind record`: training a small model that leaves a series of Hugging Face
// checkpoints, or its whole history as a recorded run.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct RecordOptions {
  std::string series, history;
  std::string model = "llama";
  std::string family = "llama";
  int64_t vocabulary = 2000;
  int64_t hidden = 128, intermediate = 352, layers = 4, heads = 8;
  std::optional<int64_t> key_value_heads;
  bool tied = false;
  std::optional<int64_t> filters;
  std::string activation = "relu";
  std::string dataset = "auto";
  std::vector<std::string> text;
  std::string data;
  std::vector<std::string> classes;
  int64_t modulus = 113;
  int64_t train_samples = 0, validation_samples = 0;
  int64_t sequence_length = 128, batch = 16, epochs = 0, checkpoints = 13;
  std::optional<int64_t> steps;
  bool shuffle = true, drop_last = false, flips = false;
  std::string optimizer = "adamw", schedule = "cosine", decay_on = "matrices";
  double learning_rate = 1e-3, minimum_learning_rate = 0.1;
  int64_t warmup = 60, decay_steps = 0;
  double weight_decay = 0.1, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1.0;
  double momentum = 0, dampening = 0;
  std::optional<double> z_loss;
  bool nesterov = false;
  double stop_accuracy = 0;
  std::vector<std::string> keep;
  std::string block_size = "64MiB";
  int64_t seed = 1;
  std::string precision = "fp32";
  std::string dtype = "bf16";
  bool optimizer_state = false;
  int64_t threads = 0;
  std::optional<double> grace;
  bool overwrite = false, resume = false, other_build = false;
};

OptionTable option_table(RecordOptions& options);

}  // namespace explaind
