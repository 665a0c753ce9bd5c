#pragma once
// Options of the verbs that read: query and inspect.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/option.hpp"

namespace explaind {

struct QueryOptions {
  std::string store;  ///< positional
  std::string variable = "psi";
  std::vector<std::string> sum, mean, group_by, select, absolute;
  bool share_kv_heads = false;
  bool error = false;
  int64_t bootstrap = 0, seed = 1;
  std::vector<std::string> minus;
  std::string minus_store;
  std::vector<std::string> share;
  bool cumulative = false;
  std::string similarity, measure = "cosine";
  int64_t top = 0, highest = 0, lowest = 0;
  bool whole = false;
  std::string format = "table";
  bool header = false, csv_bom = false;
  std::optional<std::string> memory;
  std::string columns;
  std::optional<std::string> output;
};

OptionTable option_table(QueryOptions& options);

struct InspectOptions {
  std::string path;  ///< positional
  std::string phases, series_seed, step_pattern;
  bool provenance = false;
  bool check = false, json = false;
  std::optional<double> silence;
};

OptionTable option_table(InspectOptions& options);

}  // namespace explaind
