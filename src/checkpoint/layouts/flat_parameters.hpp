#pragma once
// Where DeepSpeed's ZeRO keeps the parameters: numbers of flat groups that are divided among ranks.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "checkpoint/layouts/deepspeed_state.hpp"
#include "checkpoint/layouts/zero_rank.hpp"

namespace explaind {

/// Which numbers of the flat groups of the ranks a parameter is.
struct FlatParameter {
  std::string name;
  std::vector<int64_t> shape;
  size_t group = 0;  ///< of the flat ones
  struct Fragment {
    size_t rank;
    int64_t first, count;
  };
  std::vector<Fragment> fragments;
};

/// Stages 1 and 2: a group is one row of numbers, cut in as many parts as there are ranks. Throws
/// DataError where a rank does not say where a parameter begins.
std::vector<FlatParameter> cut_parameters(const DeepSpeedModel& model,
                                          const std::deque<ZeroRank>& ranks);
/// Stage 3: each parameter is divided among the ranks, the last part padded.
std::vector<FlatParameter> divided_parameters(const DeepSpeedModel& model, size_t ranks);

}  // namespace explaind
