#pragma once
// decompose --parts decay of a series: what the options say of the training's weight decay.

#include <string>
#include <vector>

#include "config/decay_options.hpp"
#include "model/model.hpp"
#include "path/path.hpp"
#include "training/schedule.hpp"

namespace explaind {

struct DecayAssumptions {
  Schedule schedule;
  std::vector<double> decays;  ///< λ per parameter; 0: does not decay
  std::string words;           ///< all of it, for the store
  std::string taken;           ///< of a pattern: which parameters it takes
};

/// Throws UsageError naming every option that is missing, a word that is unknown, a checkpoint that
/// lies after the training's end.
DecayAssumptions decay_assumptions(const DecayOptions& options, const Model& model,
                                   const Path& path);

}  // namespace explaind
