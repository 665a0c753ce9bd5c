#pragma once
// Options of `explaind decompose`; defaults here, units and meanings in the table.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/decay_options.hpp"
#include "config/option.hpp"

namespace explaind {

struct DecomposeOptions {
  std::string series, phases, series_seed, step_pattern, samples, store;
  std::optional<std::string> tied_head, bridge, stage, stage_command;
  std::string source = "weights", training_batch, step_precision = "fp32";
  std::optional<std::string> batch_mean;
  std::optional<double> clip, z_loss;
  std::vector<std::string> parts;
  DecayOptions decay;
  std::string component = "tensor", axes = "sample", functional = "auto";
  std::string quadrature = "adaptive";
  double tolerance = 1e-5;
  std::optional<double> absolute_tolerance;
  std::string relative_to = "change";
  std::optional<int64_t> first_nodes;
  int64_t max_nodes = 129, max_kink_nodes = 1500;
  std::string precision = "fp32", value_precision = "fp64", product_form = "auto";
  int64_t chunk = 64, micro_batch = 8;
  std::optional<int64_t> max_length, window, stride;
  bool truncate = false;
  std::optional<std::string> tokenizer;
  std::string steps = "all", step_policy = "merge";
  std::string group_reduce = "mean", step_index = "origin", store_dtype = "f64";
  bool hash_inputs = false;
  int64_t threads = 0;
  std::optional<double> grace, silence;
  std::string device = "auto", parameters = "auto";
  std::optional<int64_t> shards, segment_groups;
  std::optional<std::string> memory, device_memory;
  bool overwrite = false, resume = false, other_build = false;
};

OptionTable option_table(DecomposeOptions& options);

}  // namespace explaind
