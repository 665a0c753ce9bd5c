#pragma once
// explaind verify --series: some units of a store, computed again from the weights.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "job/control.hpp"
#include "verification/verify_store.hpp"

namespace explaind {

struct WeightsAsked {
  std::string series;                  ///< a series or a recorded run
  std::optional<std::string> samples;  ///< none: where the store says that they were
  double share = 0.05;                 ///< of the committed units
  uint64_t seed = 1;
  std::string work;  ///< a path of this run's own, for files that it needs while it lasts
};

/// Adds two checks, and how many scores lie within their certificates; the same on every rank, and
/// for any number of them. found: its `store` is known on every rank. Throws DataError where
/// weights or samples are others than the store was made from. @collective over world
void verify_against_weights(const WeightsAsked& asked, const Communicator& world,
                            const Control& control, Verification& found);

}  // namespace explaind
