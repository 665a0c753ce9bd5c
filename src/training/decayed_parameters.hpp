#pragma once
// Which parameters weight decay moves: matrices, all, or those that a pattern names.

#include <string>
#include <vector>

#include "model/model.hpp"

namespace explaind {

struct DecayedParameters {
  std::vector<bool> decays;  ///< per parameter
  std::string words;         ///< of a pattern: how many it takes, and examples; else empty
};

/// word: "matrices" (what has more than one dimension), "all", or a regular expression (ECMAScript)
/// that is searched for in names. Throws UsageError where it is none, and where no name has it.
DecayedParameters decayed_parameters(const std::string& word, const Model& model);

}  // namespace explaind
